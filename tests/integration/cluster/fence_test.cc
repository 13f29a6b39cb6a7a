// The same volumes under another identity: the controller will not have it, so it must not
// acknowledge what would be no part of the log; not even after a restart while nobody can say so.
#include <gmock/gmock.h>

#include <cstdio>

#include "tests/integration/cluster/cluster_fixture.h"
#include "tests/integration/story/produce_call.h"

namespace tidemark::story {
namespace {

using testing::HasSubstr;

class FenceTest : public ClusterTest {
 protected:
  testing::AssertionResult AwaitFenced() {
    std::string last;
    const bool fenced = support::WaitFor(
        [&] {
          const auto said =
              stage_->Type({"--spu", stage_->agent(), "volume", "explain", stage_->full_path});
          if (said.ok()) last = said->output;
          return last.find("Fenced (the controller refuses this SPU: ") != std::string::npos;
        },
        support::kLongWait, "the fence");
    return fenced ? testing::AssertionSuccess() : testing::AssertionFailure() << last;
  }
  log::v1::AppendResult Append() {
    ProduceCall call(stage_->agent(), *stage_->full_partitions.begin());
    return call.Append();
  }
};

TEST_F(FenceTest, WhoHasNotItsPlaceAcknowledgesNothingUntilItIsTakenIn) {
  if (stage_ == nullptr) return;
  stage_->spu->Kill9();
  // Who it was is lost; what is on its volumes is not.
  ASSERT_EQ(std::remove((stage_->state_directory() + "/identity.slots").c_str()), 0);
  ASSERT_OK(stage_->StartAgent());
  ASSERT_TRUE(AwaitFenced());
  const auto refused = Append();
  EXPECT_EQ(refused.refusal().reason(), log::v1::REFUSAL_REASON_FENCED);
  EXPECT_THAT(refused.refusal().message(), HasSubstr("tidemark spu replace"));

  // Nobody can say so any more; it is known all the same.
  stage_->sc->Kill9();
  stage_->spu->Kill9();
  ASSERT_OK(stage_->StartAgent());
  ASSERT_TRUE(AwaitFenced());
  EXPECT_EQ(Append().refusal().reason(), log::v1::REFUSAL_REASON_FENCED);

  ASSERT_OK(stage_->StartController());
  ASSERT_OK(stage_->Type({"spu", "replace", "node-1"}));
  EXPECT_TRUE(AwaitOnline());
  const auto taken = Append();
  EXPECT_TRUE(taken.has_base_offset()) << taken.ShortDebugString();
}

}  // namespace
}  // namespace tidemark::story
