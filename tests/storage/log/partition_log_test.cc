#include "storage/log/partition_log.h"

#include <random>

#include "storage/segment/segment_name.h"
#include "tests/storage/log/partition_log_fixture.h"

namespace tidemark::storage {
namespace {

using base::Offset;
using support::HasErrno;
using support::MakeBatch;
using support::Operation;
using support::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(PartitionLogTest, OffsetsAreConsecutiveAndRecordsComeBack) {
  ASSERT_THAT(rig_.Append({.records = 3, .tag = "a"}), support::IsOkAndHolds(Offset(0)));
  ASSERT_THAT(rig_.Append({.records = 1, .tag = "b"}), support::IsOkAndHolds(Offset(3)));
  ASSERT_THAT(rig_.Append({.records = 2, .value_bytes = 0, .tag = "c"}),
              support::IsOkAndHolds(Offset(4)));
  EXPECT_EQ(log().LogEnd(), Offset(6));
  EXPECT_EQ(log().DurableEnd(), Offset(6));
  ASSERT_OK_AND_ASSIGN(const auto values, rig_.Values(Offset(4)));
  EXPECT_THAT(values, ElementsAre("c0", "c1"));
  ASSERT_OK_AND_ASSIGN(const auto all, rig_.Values(Offset(0)));
  EXPECT_EQ(all.size(), 6U);
}

TEST_F(PartitionLogTest, AnIdlePartitionHoldsNothingUntilItsFirstAppend) {
  EXPECT_EQ(log().StepWanted(rig_.now()), std::nullopt);
  EXPECT_EQ(log().held_step_bytes(), 0);
  EXPECT_EQ(log().segment_count(), 0U);
  ASSERT_OK(rig_.Append({}));
  EXPECT_GT(log().held_step_bytes(), 0);
}

TEST_F(PartitionLogTest, ReadersSeeWhatIsDurableUnlessTheyAskForMore) {
  ASSERT_OK(rig_.Append({.tag = "a"}));
  Admission admission = rig_.Admit(MakeBatch({.tag = "b"}));
  ASSERT_EQ(admission.outcome, Admission::Outcome::kAdmitted);
  CommitJob job{.writes = {admission.write}};
  EXPECT_EQ(log().LogEnd(), Offset(2));
  EXPECT_EQ(rig_.Values(Offset(0), Isolation::kWritten)->size(), 1U);
  ASSERT_TRUE(RunCommit(job).ok());
  log().OnWritten(admission.end_offset);
  EXPECT_EQ(rig_.Values(Offset(0), Isolation::kWritten)->size(), 2U);
  EXPECT_EQ(rig_.Values(Offset(0), Isolation::kDurable)->size(), 1U);
  EXPECT_EQ(log().Bounds(Isolation::kDurable).log_end, Offset(1));
  log().OnDurable(admission.end_offset);
  EXPECT_EQ(rig_.Values(Offset(0), Isolation::kDurable)->size(), 2U);
}

TEST_F(PartitionLogTest, AnAppendNeverTouchesAByteOutsideASyncedStep) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  int taken = 0, synced = 0;
  disk_.Add(
      {.operation = Operation::kAllocate, .path_contains = ".log", .before = [&] { ++taken; }});
  disk_.Add(
      {.operation = Operation::kSyncAll, .path_contains = ".log", .before = [&] { ++synced; }});
  std::vector<CommitWrite> in_flight;
  for (int i = 0; i < 600; ++i) {
    const Buffer batch = MakeBatch({.records = 1 + static_cast<int>(random() % 5),
                                    .value_bytes = random() % (i % 50 == 0 ? 12'000 : 1'500)});
    Admission admission = rig_.Admit(batch);
    if (admission.outcome == Admission::Outcome::kNeedsStep) {
      // A roll waits for what is in flight.
      ASSERT_FALSE(in_flight.empty());
      ASSERT_TRUE(RunCommit({.writes = in_flight}).ok());
      log().OnDurable(in_flight.back().end_offset);
      in_flight.clear();
      admission = rig_.Admit(batch);
    }
    ASSERT_EQ(admission.outcome, Admission::Outcome::kAdmitted);
    const CommitWrite& write = admission.write;
    ASSERT_OK_AND_ASSIGN(const FileStat stat, write.file->Stat());
    ASSERT_LE(write.position.value() + write.size_bytes(), stat.size) << "outside the step";
    ASSERT_GE(stat.allocated_bytes, stat.size) << "not really allocated";
    ASSERT_EQ(synced, taken) << "each step is synced before use";
    in_flight.push_back(write);
    if (random() % 4 == 0) {
      ASSERT_TRUE(RunCommit({.writes = in_flight}).ok());
      log().OnDurable(in_flight.back().end_offset);
      in_flight.clear();
    }
    rig_.DoWork();
  }
  EXPECT_GT(log().segment_count(), 3U);
}

TEST_F(PartitionLogTest, ARefusedAllocationChangesNothing) {
  ASSERT_OK(rig_.Append({.tag = "before"}));
  ASSERT_OK_AND_ASSIGN(const FileStat before, real_.Stat(rig_.SegmentPath(Offset(0))));
  const std::int64_t held = log().held_step_bytes();
  const auto full = disk_.Add({.operation = Operation::kAllocate, .error_number = ENOSPC});
  EXPECT_THAT(rig_.Append({.value_bytes = 20'000}), HasErrno(ENOSPC));
  ASSERT_OK_AND_ASSIGN(const FileStat after, real_.Stat(rig_.SegmentPath(Offset(0))));
  EXPECT_EQ(after.size, before.size);
  EXPECT_EQ(log().LogEnd(), Offset(1));
  EXPECT_EQ(log().held_step_bytes(), held);
  EXPECT_FALSE(log().failed()) << "no space is not a fault";
  // What fits the step it has is still taken.
  ASSERT_THAT(rig_.Append({.tag = "small"}), support::IsOkAndHolds(Offset(1)));
  disk_.Remove(full);
  ASSERT_THAT(rig_.Append({.value_bytes = 20'000}), support::IsOkAndHolds(Offset(2)));
}

TEST_F(PartitionLogTest, ARefusedFirstStepLeavesNoSegment) {
  disk_.Add({.operation = Operation::kAllocate, .error_number = ENOSPC});
  EXPECT_THAT(rig_.Append({}), HasErrno(ENOSPC));
  EXPECT_THAT(real_.List(rig_.directory()), support::IsOkAndHolds(ElementsAre("state")));
  EXPECT_EQ(log().segment_count(), 0U);
}

TEST_F(PartitionLogTest, OrderIsKeptWhileAnAppendWaitsForItsStep) {
  const Buffer large = MakeBatch({.value_bytes = 20'000, .tag = "large"});
  const Buffer small = MakeBatch({.tag = "small"});
  ASSERT_OK(rig_.Append({}));
  const auto append = [&](const Buffer& batch) {
    return log().Append(batch, *CheckArrivedBatch(batch.bytes(), {}), rig_.now()).outcome;
  };
  EXPECT_EQ(append(large), Admission::Outcome::kNeedsStep);
  EXPECT_EQ(append(small), Admission::Outcome::kNeedsStep) << "it would fit, but came later";
  const auto request = log().StepWanted(rig_.now());
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(log().StepWanted(rig_.now()), std::nullopt) << "one at a time";
  EXPECT_EQ(append(small), Admission::Outcome::kNeedsStep);
  log().OnStepRefused();
  EXPECT_EQ(append(small), Admission::Outcome::kAdmitted) << "the large one was refused";
}

TEST_F(PartitionLogTest, ABatchLargerThanAStepGetsALargerStep) {
  ASSERT_OK(rig_.Append({.value_bytes = 50'000}));
  ASSERT_OK(rig_.Append({.value_bytes = 60'000}));
  EXPECT_EQ(rig_.Values(Offset(0))->size(), 2U);
}

TEST_F(PartitionLogTest, ABatchThatCanNeverFitIsRefusedWithTheNumbers) {
  EXPECT_THAT(rig_.Append({.value_bytes = 70'000}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("limit 65536")));
}

TEST_F(PartitionLogTest, SegmentsRollBySizeAndReadersCrossThem) {
  for (int i = 0; i < 100; ++i) ASSERT_OK(rig_.Append({.value_bytes = 3'000, .tag = "x"}));
  EXPECT_GE(log().segment_count(), 4U);
  rig_.DoWork();
  for (const SegmentSummary& segment : log().Segments()) {
    EXPECT_LE(segment.allocated_bytes, kSmall.segment_bytes + 2 * kBlockBytes);
    if (!segment.active) {
      EXPECT_OK(real_.Stat(JoinPath(rig_.directory(), IndexFileName(segment.base_offset))));
    }
  }
  for (const std::int64_t bytes_max : {1, 10'000, 1 << 20}) {
    for (const int from : {0, 1, 50, 99}) {
      ASSERT_OK_AND_ASSIGN(const auto values,
                           rig_.Values(Offset(from), Isolation::kDurable, bytes_max));
      EXPECT_EQ(values.size(), static_cast<std::size_t>(100 - from));
    }
  }
}

TEST_F(PartitionLogTest, ANewSegmentIsBegunOnlyWhenAllBeforeItIsDurable) {
  Admission last;
  const Buffer batch = MakeBatch({.value_bytes = 10'000});
  std::vector<CommitWrite> in_flight;
  while (true) {
    Admission admission = rig_.Admit(batch);
    if (admission.outcome == Admission::Outcome::kNeedsStep) break;
    in_flight.push_back(std::move(admission.write));
  }
  EXPECT_EQ(log().segment_count(), 1U);
  EXPECT_EQ(log().StepWanted(rig_.now()), std::nullopt);
  EXPECT_TRUE(log().step_urgent());
  ASSERT_TRUE(RunCommit({.writes = in_flight}).ok());
  log().OnDurable(in_flight.back().end_offset);
  const auto step = log().StepWanted(rig_.now());
  ASSERT_TRUE(step.has_value());
  EXPECT_TRUE(step->new_segment);
  EXPECT_EQ(step->segment_base, in_flight.back().end_offset);
}

TEST_F(PartitionLogTest, SegmentsRollByTime) {
  ASSERT_OK(rig_.Append({}));
  rig_.Advance(std::chrono::minutes(59));
  ASSERT_OK(rig_.Append({}));
  EXPECT_EQ(log().segment_count(), 1U);
  rig_.Advance(std::chrono::minutes(2));
  ASSERT_OK(rig_.Append({}));
  EXPECT_EQ(log().segment_count(), 2U);
  rig_.Advance(std::chrono::minutes(61));
  log().RollIfDue(rig_.now());
  EXPECT_FALSE(log().Segments().back().active) << "also without an append";
  EXPECT_EQ(log().segment_count(), 2U);
  ASSERT_OK(rig_.Append({}));
  EXPECT_EQ(rig_.Values(Offset(0))->size(), 4U);
}

TEST_F(PartitionLogTest, AFailedCommitTakesOffsetsBackAndWhatIsQueuedFails) {
  ASSERT_OK(rig_.Append({.tag = "safe"}));
  Admission first = rig_.Admit(MakeBatch({.records = 2, .tag = "doomed"}));
  Admission second = rig_.Admit(MakeBatch({.records = 2, .tag = "behind"}));
  ASSERT_EQ(second.base_offset, Offset(3));
  disk_.Add({.operation = Operation::kSyncData, .error_number = EIO});
  const CommitResult result = RunCommit({.writes = {first.write, second.write}});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.failure->operation, CommitFailure::Operation::kSync);
  log().OnCommitFailed(result.failure->status);
  EXPECT_EQ(log().LogEnd(), Offset(1));
  EXPECT_EQ(log().DurableEnd(), Offset(1));
  EXPECT_TRUE(log().failed());
  log().OnDurable(Offset(5));
  EXPECT_EQ(log().DurableEnd(), Offset(1)) << "a late answer counts for nothing";
  EXPECT_THAT(rig_.Append({}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                        HasSubstr("what lies behind offset 1 on disk is unknown")));
  EXPECT_EQ(rig_.Values(Offset(0))->size(), 1U) << "readers go on";
  EXPECT_THAT(log().Close(), StatusIs(absl::StatusCode::kFailedPrecondition));
  // A restart takes what is really there.
  disk_.Clear();
  ASSERT_OK(rig_.Reopen());
  EXPECT_GE(log().DurableEnd(), Offset(1));
  ASSERT_OK(rig_.Append({.tag = "after"}));
}

TEST_F(PartitionLogTest, AShortWriteIsRecoveredToTheDurableEnd) {
  ASSERT_OK(rig_.Append({.tag = "safe"}));
  disk_.Add({.operation = Operation::kWriteAt, .short_write_bytes = 70, .error_number = EIO});
  EXPECT_THAT(rig_.Append({.value_bytes = 200, .tag = "torn"}), HasErrno(EIO));
  disk_.Clear();
  ASSERT_OK(rig_.Reopen());
  EXPECT_EQ(log().LogEnd(), Offset(1));
  EXPECT_GT(rig_.recovered().torn_bytes, 0);
  ASSERT_THAT(rig_.Append({.value_bytes = 0, .tag = "next"}), support::IsOkAndHolds(Offset(1)));
  ASSERT_OK_AND_ASSIGN(const auto values, rig_.Values(Offset(1)));
  EXPECT_THAT(values, ElementsAre("next0"));
}

TEST_F(PartitionLogTest, OffsetsOutsideTheLogAreAnsweredWithItsBounds) {
  for (int i = 0; i < 5; ++i) ASSERT_OK(rig_.Append({}));
  ASSERT_OK(rig_.Trim(Offset(2)));
  EXPECT_THAT(log().PlanRead(Offset(1), 1, Isolation::kDurable),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("the log is 2 to 5")));
  EXPECT_THAT(log().PlanRead(Offset(6), 1, Isolation::kDurable),
              StatusIs(absl::StatusCode::kOutOfRange));
  ASSERT_OK_AND_ASSIGN(const auto at_end, log().PlanRead(Offset(5), 1, Isolation::kDurable));
  EXPECT_FALSE(at_end.has_value());
  EXPECT_EQ(log().Bounds(Isolation::kDurable).log_start, Offset(2));
}

TEST_F(PartitionLogTest, TimesLeadToOffsetsAcrossSegments) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(rig_.Append({.timestamp = 1000 * i, .value_bytes = 3'000}));
  }
  rig_.DoWork();
  ASSERT_GE(log().segment_count(), 4U);
  for (const int seconds : {0, 1, 42, 99}) {
    ASSERT_OK_AND_ASSIGN(const auto found, rig_.OffsetForTime(1000 * seconds));
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->offset, Offset(seconds));
    ASSERT_OK_AND_ASSIGN(const auto between, rig_.OffsetForTime(1000 * seconds - 500));
    EXPECT_EQ(between->offset, Offset(seconds));
  }
  EXPECT_THAT(rig_.OffsetForTime(99'001), support::IsOkAndHolds(testing::Eq(std::nullopt)));
  ASSERT_OK(rig_.Trim(Offset(50)));
  ASSERT_OK_AND_ASSIGN(const auto trimmed, rig_.OffsetForTime(0));
  EXPECT_EQ(trimmed->offset, Offset(50));
}

TEST_F(PartitionLogTest, AReaderWhoseSegmentGoesFinishesItsRequestAndPlansAgain) {
  for (int i = 0; i < 100; ++i) ASSERT_OK(rig_.Append({.value_bytes = 3'000}));
  ASSERT_OK_AND_ASSIGN(const auto opened_plan, log().PlanRead(Offset(0), 1, Isolation::kDurable));
  ASSERT_OK_AND_ASSIGN(const ReadBatches opened, ReadSegment(disk_, *opened_plan));
  log().OnRead(opened);
  ASSERT_OK_AND_ASSIGN(const auto with_file, log().PlanRead(Offset(1), 1, Isolation::kDurable));
  ASSERT_NE(with_file->source.file, nullptr);
  ASSERT_OK(rig_.Trim(log().Segments()[1].end_offset));
  EXPECT_OK(ReadSegment(disk_, *with_file)) << "unlinked, but open";
  EXPECT_THAT(ReadSegment(disk_, *opened_plan), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(log().PlanRead(Offset(1), 1, Isolation::kDurable),
              StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(PartitionLogTest, ALogThatIsHeldForLostDataTakesNothing) {
  ASSERT_OK_AND_ASSIGN(PartitionState state, LoadPartitionState(disk_, rig_.directory()));
  state.lost_data = LostDataHold{"replaced volume", {{Offset(0), Offset(10)}}};
  ASSERT_OK(SavePartitionState(disk_, rig_.directory(), state));
  ASSERT_OK(rig_.Reopen());
  EXPECT_THAT(rig_.Append({}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("replaced volume")));
  EXPECT_EQ(log().LogEnd(), Offset(10)) << "offsets given out once are not given out again";
  EXPECT_THAT(log().PlanRead(Offset(3), 1, Isolation::kDurable),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("offsets 0 to 10 are lost")));
  EXPECT_EQ(log().LostRangeAt(Offset(3)), (LostRange{Offset(0), Offset(10)}));
}

}  // namespace
}  // namespace tidemark::storage
