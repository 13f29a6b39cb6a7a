// One Produce stream through a whole episode: told when its partition stops, told when it goes on,
// never closed.
#include <gmock/gmock.h>

#include "cli/client/spu_client.h"
#include "tests/integration/cluster/cluster_fixture.h"
#include "tests/integration/story/produce_call.h"

namespace tidemark::story {
namespace {

namespace log_pb = tidemark::log::v1;

class ProduceNoticeTest : public ClusterTest {
 protected:
  // On a machine that is busy elsewhere the agent may be blind for a moment: that passes.
  testing::AssertionResult AppendUntilAccepted(ProduceCall& call, log_pb::AppendResult& accepted) {
    return support::WaitFor(
        [&] {
          accepted = call.Append();
          return accepted.has_base_offset();
        },
        support::kLongWait, "an append to be accepted");
  }
};

TEST_F(ProduceNoticeTest, AStreamIsToldWhenItsPartitionStopsAndWhenItGoesOn) {
  if (stage_ == nullptr) return;
  const std::uint64_t partition = *stage_->full_partitions.begin();
  ProduceCall call(stage_->agent(), partition);
  log_pb::AppendResult result;
  for (int i = 0; i < 100; ++i) {  // 10 MB: more than a trim has to bring
    ASSERT_TRUE(AppendUntilAccepted(call, result)) << result.ShortDebugString();
  }
  std::int64_t end = result.durable_end();

  ASSERT_OK(stage_->neighbour->FillUntilLeft(base::kMiB));
  ASSERT_OK(call.AwaitNotice(true));
  EXPECT_EQ(call.newest_notice().partition_id(), partition);
  EXPECT_NE(call.newest_notice().why().reason(), log_pb::REFUSAL_REASON_UNSPECIFIED);
  ASSERT_TRUE(support::WaitFor(
      [&] {
        result = call.Append();
        if (result.has_base_offset()) end = result.durable_end();
        return result.refusal().reason() == log_pb::REFUSAL_REASON_OUT_OF_SPACE;
      },
      support::kLongWait, "an append to be refused for space"))
      << result.ShortDebugString();
  EXPECT_TRUE(call.newest_notice().blocked());

  ASSERT_OK(client::SpuClient(stage_->agent()).Trim(partition, end));
  ASSERT_OK(call.AwaitNotice(false));
  EXPECT_EQ(call.newest_notice().partition_id(), partition);
  EXPECT_FALSE(call.newest_notice().has_why());
  ASSERT_TRUE(AppendUntilAccepted(call, result)) << result.ShortDebugString();
  EXPECT_EQ(result.base_offset(), end);
  EXPECT_OK(call.Finish());
}

}  // namespace
}  // namespace tidemark::story
