// The room an idle or a busy partition keeps: when a step is wanted, taken and given back.
#include "storage/log/partition_log.h"
#include "storage/segment/segment_name.h"
#include "tests/storage/log/partition_log_fixture.h"

namespace tidemark::storage {
namespace {

using base::Offset;
using support::MakeBatch;

TEST_F(PartitionLogTest, AStepIsWantedAheadOfNeedWhileInUseOnly) {
  ASSERT_OK(rig_.Append({}));
  EXPECT_EQ(log().StepWanted(rig_.now()), std::nullopt) << "most of the step is left";
  ASSERT_OK(rig_.Append({.value_bytes = 9'000}));
  rig_.Advance(std::chrono::minutes(1));
  EXPECT_EQ(log().StepWanted(rig_.now()), std::nullopt) << "idle";
  ASSERT_OK(rig_.Append({}));
  const auto ahead = log().StepWanted(rig_.now());
  ASSERT_TRUE(ahead.has_value());
  EXPECT_FALSE(log().step_urgent());
  EXPECT_EQ(ahead->length_bytes, kSmall.step_bytes);
  log().OnStepRefused();
  EXPECT_TRUE(log().StepWanted(rig_.now()).has_value()) << "asked again later";
}

TEST_F(PartitionLogTest, AnIdlePartitionGivesItsStepBackAndTakesANewOne) {
  ASSERT_OK(rig_.Append({}));
  EXPECT_EQ(log().StepReleaseWanted(rig_.now()), std::nullopt);
  rig_.Advance(std::chrono::seconds(31));
  const auto release = log().StepReleaseWanted(rig_.now());
  ASSERT_TRUE(release.has_value());
  const Buffer batch = MakeBatch();
  EXPECT_EQ(log().Append(batch, *CheckArrivedBatch(batch.bytes(), {}), rig_.now()).outcome,
            Admission::Outcome::kNeedsStep)
      << "nothing may be admitted into what is being given back";
  EXPECT_EQ(log().StepWanted(rig_.now()), std::nullopt) << "nor may the file grow meanwhile";
  log().OnSealed(SealSegment(disk_, *release));
  ASSERT_OK_AND_ASSIGN(const FileStat stat, real_.Stat(rig_.SegmentPath(Offset(0))));
  EXPECT_LT(stat.size, kBlockBytes);
  EXPECT_EQ(log().allocated_bytes(), stat.allocated_bytes);
  ASSERT_OK(rig_.Append({.tag = "again"}));
  EXPECT_EQ(rig_.Values(Offset(0))->size(), 2U);
  ASSERT_OK(rig_.Reopen());
  EXPECT_EQ(rig_.Values(Offset(0))->size(), 2U);
}

TEST_F(PartitionLogTest, WorkingRoomCanBeTakenWithoutAnAppend) {
  log().DemandStep(rig_.now());
  EXPECT_EQ(rig_.DoWork(), 1);
  EXPECT_EQ(log().held_step_bytes(), kSmall.step_bytes);
  log().DemandStep(rig_.now());
  EXPECT_EQ(rig_.DoWork(), 0) << "it holds one";
  ASSERT_OK(rig_.Append({}));
}

TEST_F(PartitionLogTest, WorkingRoomInAFullSegmentIsTheNextSegmentsFirstStep) {
  const Buffer quarter = MakeBatch({.value_bytes = 16 * 1024 - kBatchHeaderBytes - 5});
  ASSERT_EQ(std::ssize(quarter.bytes()), kSmall.segment_bytes / 4);
  for (int i = 0; i < 4; ++i) ASSERT_OK(rig_.AppendBatch(quarter));
  ASSERT_EQ(log().segment_count(), 1U);
  ASSERT_EQ(log().held_step_bytes(), 0);
  log().DemandStep(rig_.now());
  EXPECT_EQ(rig_.DoWork(), 1);
  EXPECT_EQ(log().segment_count(), 2U);
  EXPECT_TRUE(real_.Stat(rig_.SegmentPath(Offset(4))).ok());
  EXPECT_EQ(log().held_step_bytes(), kSmall.step_bytes);
}

TEST_F(PartitionLogTest, WorkingRoomInANearlyFullSegmentIsTheNextSegmentsFirstStep) {
  const Buffer quarter = MakeBatch({.value_bytes = 16 * 1024 - kBatchHeaderBytes - 5});
  for (int i = 0; i < 3; ++i) ASSERT_OK(rig_.AppendBatch(quarter));
  ASSERT_OK(rig_.Append({.value_bytes = 15 * 1024}));
  rig_.DoWork();
  ASSERT_EQ(log().segment_count(), 1U);
  ASSERT_GT(log().held_step_bytes(), 0);
  ASSERT_LT(log().held_step_bytes(), kSmall.step_bytes / 2) << "the proof wants a step here";
  log().DemandStep(rig_.now());
  EXPECT_EQ(rig_.DoWork(), 1);
  EXPECT_EQ(log().segment_count(), 2U);
  EXPECT_EQ(log().held_step_bytes(), kSmall.step_bytes);
}

// As after a start: nothing is held, and the segment has no whole step left.
TEST_F(PartitionLogTest, WorkingRoomIsAWholeStepAlsoWhereTheSegmentHasLessLeft) {
  const Buffer quarter = MakeBatch({.value_bytes = 16 * 1024 - kBatchHeaderBytes - 5});
  for (int i = 0; i < 3; ++i) ASSERT_OK(rig_.AppendBatch(quarter));
  ASSERT_OK(rig_.Append({.value_bytes = 6 * 1024}));
  rig_.Advance(std::chrono::seconds(31));
  const auto release = log().StepReleaseWanted(rig_.now());
  ASSERT_TRUE(release.has_value());
  log().OnSealed(SealSegment(disk_, *release));
  ASSERT_EQ(log().held_step_bytes(), 0);
  log().DemandStep(rig_.now());
  EXPECT_EQ(rig_.DoWork(), 1);
  EXPECT_EQ(log().held_step_bytes(), kSmall.step_bytes);
}

}  // namespace
}  // namespace tidemark::storage
