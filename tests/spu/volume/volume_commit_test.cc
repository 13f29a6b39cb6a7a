// Nothing acknowledged is ever lost: acks, failed syncs, restarts.
#include <gmock/gmock.h>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;
using support::Operation;

class VolumeCommitTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
    ASSERT_OK(rig_.Open());
    ASSERT_TRUE(rig_.AwaitAccepting(true));
    ASSERT_TRUE(rig_.Assign(kPartition).ok());
  }

  VolumeRig rig_;
};

TEST_F(VolumeCommitTest, OffsetsAreConsecutiveAndReadBackByteForByte) {
  EXPECT_EQ(rig_.Append(kPartition, {.records = 2, .tag = "a"}).base_offset, base::Offset(0));
  EXPECT_EQ(rig_.Append(kPartition, {.records = 3, .tag = "b"}).base_offset, base::Offset(2));
  const auto values = rig_.ReadAll(kPartition);
  ASSERT_EQ(values.size(), 5u);
  EXPECT_TRUE(values[0].starts_with("a0"));
  EXPECT_TRUE(values[4].starts_with("b2"));
}

TEST_F(VolumeCommitTest, AFailedSyncAcknowledgesNothingAndHoldsUntilARestart) {
  ASSERT_FALSE(rig_.Append(kPartition, {.records = 4, .tag = "kept"}).refusal.has_value());
  // Once: a second fdatasync would say OK, with the pages already dropped.
  rig_.disk().Add({.operation = Operation::kSyncData,
                   .path_contains = ".log",
                   .when = support::FaultRule::When::kOnly,
                   .nth = 1,
                   .error_number = EIO});
  auto first = rig_.AppendAsync(kPartition, support::MakeBatch({.tag = "lost"}));
  auto second = rig_.AppendAsync(kPartition, support::MakeBatch({.tag = "behind"}));
  EXPECT_TRUE(first.get().refusal.has_value());
  EXPECT_TRUE(second.get().refusal.has_value());
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  EXPECT_TRUE(rig_.device_fault().has_value());
  const AppendResult refused = rig_.Append(kPartition, {});
  EXPECT_EQ(refused.refusal->reason(), log_pb::REFUSAL_REASON_VOLUME_FAILED);

  rig_.Kill();
  ASSERT_OK(rig_.Open());
  ASSERT_TRUE(rig_.AwaitAccepting(true)) << "a start that verified the disk lifts the hold";
  const auto values = rig_.ReadAll(kPartition);
  ASSERT_GE(values.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(values[i].starts_with("kept"));
}

TEST_F(VolumeCommitTest, ENOSPCInsideAStepIsADeviceMatter) {
  ASSERT_FALSE(rig_.Append(kPartition, {}).refusal.has_value());
  rig_.disk().Add(
      {.operation = Operation::kWriteAt, .path_contains = ".log", .error_number = ENOSPC});
  EXPECT_TRUE(rig_.Append(kPartition, {}).refusal.has_value());
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  EXPECT_TRUE(rig_.device_fault().has_value()) << "an accepted append must find its space";
}

TEST_F(VolumeCommitTest, AckWrittenComesBeforeTheSyncAndDurableAfterIt) {
  ASSERT_FALSE(rig_.Append(kPartition, {}).refusal.has_value());
  rig_.disk().Add({.operation = Operation::kSyncData, .path_contains = ".log", .hang = true});
  auto written = rig_.AppendAsync(kPartition, support::MakeBatch({}), Acks::kWritten);
  const AppendResult early = written.get();
  EXPECT_FALSE(early.refusal.has_value());
  EXPECT_LE(early.durable_end, early.base_offset) << "the sync has not come back";
  auto durable = rig_.AppendAsync(kPartition, support::MakeBatch({}), Acks::kDurable);
  EXPECT_EQ(durable.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  rig_.disk().Clear();
  const AppendResult late = durable.get();
  EXPECT_FALSE(late.refusal.has_value());
  EXPECT_GT(late.durable_end, late.base_offset);
}

TEST_F(VolumeCommitTest, ACleanStopAndAKillBothKeepWhatWasAcknowledged) {
  for (const bool clean : {true, false}) {
    SCOPED_TRACE(clean ? "clean stop" : "kill");
    const AppendResult result = rig_.Append(kPartition, {.records = 10});
    ASSERT_FALSE(result.refusal.has_value());
    const auto before = rig_.ReadAll(kPartition);
    clean ? rig_.Close() : rig_.Kill();
    ASSERT_OK(rig_.Open());
    EXPECT_EQ(rig_.ReadAll(kPartition), before);
    ASSERT_TRUE(rig_.AwaitAccepting(true));
  }
}

TEST_F(VolumeCommitTest, ManyPartitionsFillTheVolumeTogetherWithoutMeetingENOSPC) {
  constexpr std::uint64_t kPartitions = 16;
  for (std::uint64_t id = 2; id <= kPartitions; ++id) ASSERT_TRUE(rig_.Assign(id).ok());
  std::map<std::uint64_t, std::int64_t> acknowledged;
  const storage::Buffer batch = support::MakeBatch({.records = 32, .value_bytes = 1000});
  bool refused = false;
  while (!refused) {
    std::vector<std::pair<std::uint64_t, std::future<AppendResult>>> round;
    for (std::uint64_t id = 1; id <= kPartitions; ++id) {
      for (int i = 0; i < 4; ++i) round.emplace_back(id, rig_.AppendAsync(id, batch));
    }
    for (auto& [id, future] : round) {
      const AppendResult result = future.get();
      if (result.refusal.has_value()) {
        EXPECT_EQ(result.refusal->grpc_code(),
                  static_cast<int>(absl::StatusCode::kResourceExhausted))
            << result.refusal->ShortDebugString();
        refused = true;
      } else {
        acknowledged[id] += 32;
      }
    }
  }
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  EXPECT_FALSE(rig_.device_fault().has_value());
  EXPECT_GT(*support::ForeignFiller::AvailableBytes(rig_.path()), 0);
  for (const auto& [id, records] : acknowledged) {
    EXPECT_EQ(std::ssize(rig_.ReadAll(id)), records) << "partition " << id;
  }
}

TEST_F(VolumeCommitTest, ReadersAreTypedOutOfRangeAfterATrim) {
  ASSERT_FALSE(rig_.Append(kPartition, {.records = 10}).refusal.has_value());
  EXPECT_EQ(rig_.Trim(kPartition, base::Offset(11)).refusal->reason(),
            log_pb::REFUSAL_REASON_OFFSET_OUT_OF_RANGE);
  EXPECT_EQ(rig_.Trim(kPartition, base::Offset(10)).log_start, base::Offset(10));
}

}  // namespace
}  // namespace tidemark::spu
