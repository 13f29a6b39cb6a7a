// A person's hold, through the command line and a real SPU: it outlives kill -9, is lifted by a
// person only, and neither covers a space hold nor takes it along.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/integration/cluster/cluster_fixture.h"

namespace tidemark::story {
namespace {

using sc::v1::PARTITION_STATUS_OFFLINE;
using sc::v1::PARTITION_STATUS_ONLINE;
using sc::v1::PARTITION_STATUS_OUT_OF_SPACE;
using testing::AllOf;
using testing::HasSubstr;

class OperatorHoldTest : public ClusterTest {
 protected:
  void Hold() {
    EXPECT_OK(stage_->Type({"volume", "hold", stage_->full_path, "--why", "disk swap"}));
  }
  void Release() { EXPECT_OK(stage_->Type({"volume", "release", stage_->full_path})); }
  std::string Explanation() {
    const auto explained = stage_->Type({"volume", "explain", stage_->full_path});
    EXPECT_OK(explained);
    return explained.ok() ? explained->output : "";
  }
  bool Holds(space::v1::HoldKind kind) {
    const auto volume = stage_->FullVolume();
    if (!volume.ok()) return false;
    const auto& held = volume->holds().held();
    return std::ranges::find(held, kind) != held.end();
  }
};

TEST_F(OperatorHoldTest, OutlivesAKillAndIsLiftedByAPersonOnly) {
  if (stage_ == nullptr) return;
  Hold();
  ASSERT_OK(stage_->WaitForStatus(stage_->full_partitions, PARTITION_STATUS_OFFLINE, true));
  EXPECT_OK(stage_->ProveCalm());
  stage_->spu->Kill9();
  ASSERT_OK(stage_->StartAgent());
  ASSERT_OK(stage_->WaitForStatus(stage_->calm_partitions, PARTITION_STATUS_ONLINE, true));
  ASSERT_OK(stage_->WaitForStatus(stage_->full_partitions, PARTITION_STATUS_OFFLINE, true));
  EXPECT_TRUE(Holds(space::v1::HOLD_KIND_OPERATOR));
  EXPECT_THAT(Explanation(), AllOf(HasSubstr("disk swap"), HasSubstr("tidemark volume release")));
  Release();
  EXPECT_FALSE(Holds(space::v1::HOLD_KIND_OPERATOR));
  EXPECT_TRUE(AwaitOnline());
  EXPECT_THAT(Explanation(), HasSubstr("released   by "));
  // Released for good: a restart does not bring it back.
  stage_->spu->Kill9();
  ASSERT_OK(stage_->StartAgent());
  EXPECT_TRUE(AwaitOnline());
}

TEST_F(OperatorHoldTest, LeavesOutOfSpaceWhereItWas) {
  if (stage_ == nullptr) return;
  ASSERT_OK(stage_->neighbour->FillCompletely());
  ASSERT_OK(stage_->WaitForStatus(stage_->full_partitions, PARTITION_STATUS_OUT_OF_SPACE, true));
  Hold();
  EXPECT_TRUE(Holds(space::v1::HOLD_KIND_SPACE));
  EXPECT_TRUE(Holds(space::v1::HOLD_KIND_OPERATOR));
  Release();
  EXPECT_TRUE(Holds(space::v1::HOLD_KIND_SPACE)) << "a person's word is no proof of space";
  EXPECT_FALSE(Holds(space::v1::HOLD_KIND_OPERATOR));
  ASSERT_OK(stage_->WaitForStatus(stage_->full_partitions, PARTITION_STATUS_OUT_OF_SPACE, true));

  // And the other way: the proof succeeds, the person's hold stays.
  Hold();
  ASSERT_OK(stage_->neighbour->Free());
  ASSERT_OK(stage_->WaitForStatus(stage_->full_partitions, PARTITION_STATUS_OFFLINE, true));
  EXPECT_FALSE(Holds(space::v1::HOLD_KIND_SPACE));
  EXPECT_TRUE(Holds(space::v1::HOLD_KIND_OPERATOR));
  Release();
  EXPECT_TRUE(AwaitOnline());
}

}  // namespace
}  // namespace tidemark::story
