// What a volume does by itself, once a second: what is old or too much goes, what is idle gives its
// step back.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

using std::chrono_literals::operator""h;
using support::WaitFor;
using tidemark::sc::v1::TopicPolicy;

constexpr int kRecords = 64;
constexpr std::size_t kValueBytes = 1000;

class VolumeHousekeepingTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
    rig_.options().retention_interval = std::chrono::milliseconds(1);
    ASSERT_OK(rig_.Open());
    ASSERT_TRUE(rig_.AwaitAccepting(true));
    ASSERT_TRUE(rig_.Assign(kPartition, Policy()).ok());
  }

  // Segments as small as they may be: about four batches each.
  static TopicPolicy Policy() {
    TopicPolicy policy;
    policy.set_segment_bytes(1);
    return policy;
  }

  void Append(int batches, base::WallMillis timestamp) {
    for (int i = 0; i < batches; ++i) {
      const AppendResult result = rig_.Append(
          kPartition,
          {.records = kRecords, .timestamp = timestamp, .value_bytes = kValueBytes, .tag = "v"});
      ASSERT_FALSE(result.refusal.has_value()) << result.refusal->ShortDebugString();
    }
  }
  base::WallMillis now() { return rig_.clock().WallNow(); }

  std::vector<storage::SegmentSummary> Segments() {
    return rig_.OnLoop<std::vector<storage::SegmentSummary>>(
        [](Volume& v) { return v.Find(base::PartitionId(kPartition))->log().Segments(); });
  }
  base::Offset LogStart() {
    return rig_.OnLoop<base::Offset>(
        [](Volume& v) { return v.Find(base::PartitionId(kPartition))->log().LogStart(); });
  }
  // st_blocks, as the partition counts them.
  std::int64_t AllocatedBytes() {
    return rig_.OnLoop<std::int64_t>(
        [](Volume& v) { return v.Find(base::PartitionId(kPartition))->log().allocated_bytes(); });
  }
  std::ptrdiff_t SegmentFiles() {
    const std::string directory = rig_.OnLoop<std::string>(
        [](Volume& v) { return v.Find(base::PartitionId(kPartition))->log().directory(); });
    return std::ranges::count_if(
        std::filesystem::directory_iterator(directory),
        [](const auto& entry) { return entry.path().extension() == ".log"; });
  }
  // There is room enough all the time: nothing is reclaimed for want of space.
  void ExpectNeverLow() {
    EXPECT_GT(rig_.OnLoop<std::int64_t>([](Volume& v) {
      const VolumeState state = v.State();
      return state.reading->available_bytes - state.marks.low_bytes;
    }),
              0);
  }

  VolumeRig rig_;
};

TEST_F(VolumeHousekeepingTest, WhatIsOlderThanItsRetentionGoesAndTheRestStays) {
  Append(12, now() - 2 * 3'600'000);
  Append(6, now());
  const auto before = Segments();
  const base::WallMillis limit = now() - 3'600'000;
  const auto first_kept = std::ranges::find_if(
      before, [limit](const auto& segment) { return segment.max_timestamp >= limit; });
  ASSERT_NE(first_kept, before.begin()) << "nothing is to expire";
  ASSERT_NE(first_kept, before.end());

  TopicPolicy policy = Policy();
  policy.set_retention_ms(3'600'000);
  ASSERT_TRUE(rig_.Assign(kPartition, policy).ok());
  const auto kept_files = before.end() - first_kept;
  ASSERT_TRUE(WaitFor([&] { return LogStart() > base::Offset(0) && SegmentFiles() == kept_files; },
                      support::kLongWait, "the expired segments to go"));
  EXPECT_EQ(LogStart(), first_kept->base_offset);
  EXPECT_EQ(std::ssize(rig_.ReadAll(kPartition)), 18 * kRecords - first_kept->base_offset.value());
  ExpectNeverLow();
}

// More milliseconds than nanoseconds can tell: it came out negative, and all of it was too old.
TEST_F(VolumeHousekeepingTest, ARetentionForEverExpiresNothing) {
  Append(12, now() - 2 * 3'600'000);
  TopicPolicy policy = Policy();
  policy.set_retention_ms(std::numeric_limits<std::int64_t>::max());
  policy.set_segment_ms(3'600'000);
  ASSERT_TRUE(rig_.Assign(kPartition, policy).ok());
  rig_.clock().Leap(2h);
  // The round that closes the segment has looked for what is too old, too.
  ASSERT_TRUE(WaitFor([&] { return Segments().empty() || !Segments().back().active; },
                      support::kLongWait, "the segment to be closed"));
  EXPECT_EQ(LogStart(), base::Offset(0));
  EXPECT_EQ(std::ssize(rig_.ReadAll(kPartition)), 12 * kRecords);
}

// Nobody writes any more: the active segment goes as well, and the offsets go on.
TEST_F(VolumeHousekeepingTest, ATopicThatFellSilentExpiresToItsEnd) {
  Append(6, now());
  TopicPolicy policy = Policy();
  policy.set_retention_ms(3'600'000);
  ASSERT_TRUE(rig_.Assign(kPartition, policy).ok());
  rig_.clock().Leap(2h);
  ASSERT_TRUE(
      WaitFor([&] { return SegmentFiles() == 0; }, support::kLongWait, "all segments to expire"));
  EXPECT_EQ(LogStart(), base::Offset(6 * kRecords));
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  EXPECT_EQ(rig_.Append(kPartition, {.timestamp = now()}).base_offset, base::Offset(6 * kRecords));
  ExpectNeverLow();
}

TEST_F(VolumeHousekeepingTest, WhatIsAboveTheSizeOfItsTopicGoesOldestFirstAndNoMore) {
  constexpr std::int64_t kKept = base::kMiB;
  Append(60, now());
  const auto before = Segments();
  ASSERT_GT(AllocatedBytes(), 3 * kKept);

  TopicPolicy policy = Policy();
  policy.set_retention_bytes(kKept);
  ASSERT_TRUE(rig_.Assign(kPartition, policy).ok());
  ASSERT_TRUE(WaitFor([&] { return AllocatedBytes() <= kKept; }, support::kLongWait,
                      "the oldest segments to go"));
  const auto after = Segments();
  ASSERT_FALSE(after.empty());
  EXPECT_EQ(SegmentFiles(), std::ssize(after));
  // The newest are left, and the one that went last was one too many.
  const auto& last_gone = before[before.size() - after.size() - 1];
  EXPECT_EQ(after.front().base_offset, last_gone.end_offset);
  EXPECT_GT(AllocatedBytes() + last_gone.allocated_bytes, kKept);
  EXPECT_EQ(LogStart(), after.front().base_offset);
  EXPECT_EQ(std::ssize(rig_.ReadAll(kPartition)), 60 * kRecords - LogStart().value());
  ExpectNeverLow();
}

TEST_F(VolumeHousekeepingTest, ASegmentOverItsAgeIsClosedThoughNobodyWrites) {
  TopicPolicy policy = Policy();
  policy.set_segment_ms(3'600'000);
  ASSERT_TRUE(rig_.Assign(kPartition, policy).ok());
  Append(1, now());
  ASSERT_TRUE(Segments().front().active);
  rig_.clock().Leap(2h);
  ASSERT_TRUE(WaitFor([&] { return !Segments().front().active; }, support::kLongWait,
                      "the segment to be closed"));
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  Append(1, now());
  EXPECT_EQ(Segments().size(), 2u);
  EXPECT_EQ(rig_.ReadAll(kPartition).size(), 2u * kRecords);
}

TEST_F(VolumeHousekeepingTest, APartitionThatIsIdleGivesBackWhatItsStepHasLeft) {
  Append(1, now());
  const std::int64_t in_use = AllocatedBytes();
  const std::int64_t step = rig_.durable().marks.step_bytes;
  ASSERT_GE(in_use, step);
  rig_.clock().Leap(1h);
  ASSERT_TRUE(WaitFor([&] { return AllocatedBytes() <= in_use - step / 2; }, support::kLongWait,
                      "the step to be given back"));
  // The segment stays, and grows again with the next append.
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  Append(1, now());
  EXPECT_EQ(Segments().size(), 1u);
  EXPECT_EQ(rig_.ReadAll(kPartition).size(), 2u * kRecords);
}

}  // namespace
}  // namespace tidemark::spu
