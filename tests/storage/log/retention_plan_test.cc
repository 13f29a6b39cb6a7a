#include "storage/log/retention_plan.h"

#include "gmock/gmock.h"
#include "storage/fs/posix_file_system.h"
#include "tests/storage/log/log_rig.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {
namespace {

using base::Offset;
using support::HasErrno;
using support::Operation;
using support::StatusIs;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr base::WallMillis kNow = 1'000'000;
constexpr auto kSecond = std::chrono::seconds(1);

// Three closed segments of 100 bytes and an active one of 60; newest records 900, 500, 100 s and
// 10 s old.
std::vector<SegmentSummary> FourSegments() {
  return {{Offset(0), Offset(10), 100, kNow - 900'000, false, false},
          {Offset(10), Offset(20), 100, kNow - 500'000, false, false},
          {Offset(20), Offset(30), 100, kNow - 100'000, false, false},
          {Offset(30), Offset(35), 60, kNow - 10'000, true, false}};
}

struct RetentionCase {
  const char* name;
  RetentionLimits limits;
  int busy = -1;  // index of a segment that may not go now
  std::int64_t log_start_before = 0;
  std::size_t dropped;
  std::int64_t log_start;
};

TEST(RetentionPlanTest, WhatTheLimitsAllowGoesOldestFirst) {
  const RetentionCase cases[] = {
      {.name = "no limits", .limits = {}, .dropped = 0, .log_start = 0},
      {.name = "size fits", .limits = {.bytes = 360}, .dropped = 0, .log_start = 0},
      {.name = "one byte over", .limits = {.bytes = 359}, .dropped = 1, .log_start = 10},
      {.name = "size takes several", .limits = {.bytes = 200}, .dropped = 2, .log_start = 20},
      {.name = "size never takes the active one",
       .limits = {.bytes = 0},
       .dropped = 3,
       .log_start = 30},
      {.name = "age takes none", .limits = {.age = 901 * kSecond}, .dropped = 0, .log_start = 0},
      {.name = "age takes one", .limits = {.age = 899 * kSecond}, .dropped = 1, .log_start = 10},
      {.name = "age takes the active one too",
       .limits = {.age = 5 * kSecond},
       .dropped = 4,
       .log_start = 35},
      {.name = "either limit",
       .limits = {.bytes = 260, .age = 450 * kSecond},
       .dropped = 2,
       .log_start = 20},
      {.name = "a busy active one stays",
       .limits = {.age = 5 * kSecond},
       .busy = 3,
       .dropped = 3,
       .log_start = 30},
      {.name = "none is skipped",
       .limits = {.age = 5 * kSecond},
       .busy = 1,
       .dropped = 1,
       .log_start = 10},
      {.name = "the log start is not taken back",
       .limits = {.bytes = 359},
       .log_start_before = 15,
       .dropped = 1,
       .log_start = 15},
      {.name = "what lies below the log start goes",
       .limits = {},
       .log_start_before = 20,
       .dropped = 2,
       .log_start = 20},
  };
  for (const RetentionCase& c : cases) {
    SCOPED_TRACE(c.name);
    auto segments = FourSegments();
    if (c.busy >= 0) segments[static_cast<std::size_t>(c.busy)].busy = true;
    const TrimPlan plan = PlanRetention(segments, Offset(c.log_start_before), c.limits, kNow);
    EXPECT_EQ(plan.drop.size(), c.dropped);
    EXPECT_EQ(plan.log_start, Offset(c.log_start));
    EXPECT_EQ(plan.seals_active, c.dropped == 4);
    std::int64_t freed = 0;
    for (std::size_t i = 0; i < c.dropped; ++i) freed += segments[i].allocated_bytes;
    EXPECT_EQ(plan.expected_freed_bytes, freed);
  }
}

TEST(RetentionPlanTest, ASegmentWithoutRecordsDoesNotExpire) {
  const std::vector<SegmentSummary> segments = {
      {Offset(5), Offset(5), 100, kNoTimestamp, true, false}};
  EXPECT_TRUE(PlanRetention(segments, Offset(5), {.age = kSecond}, kNow).empty(Offset(5)));
}

TEST(RetentionPlanTest, TrimDropsWholeSegmentsAndMovesTheStartExactly) {
  struct Case {
    std::int64_t before;
    std::size_t dropped;
  };
  for (const Case& c :
       {Case{0, 0}, Case{9, 0}, Case{10, 1}, Case{11, 1}, Case{30, 3}, Case{34, 3}, Case{35, 4}}) {
    SCOPED_TRACE(c.before);
    const TrimPlan plan = PlanTrimBefore(FourSegments(), Offset(0), Offset(c.before));
    EXPECT_EQ(plan.drop.size(), c.dropped);
    EXPECT_EQ(plan.log_start, Offset(c.before));
    EXPECT_EQ(plan.seals_active, c.dropped == 4);
  }
}

class TrimTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(rig_.Create());
    ASSERT_OK(rig_.Open());
    for (int i = 0; i < 60; ++i) {
      ASSERT_OK(rig_.Append({.timestamp = rig_.now().wall, .value_bytes = 3'000}));
      rig_.Advance(std::chrono::seconds(10));
    }
    rig_.DoWork();
    ASSERT_GE(log().segment_count(), 3U);
  }
  PartitionLog& log() { return rig_.log(); }

  support::TempDirectory home_;
  PosixFileSystem real_;
  support::FaultyFileSystem disk_{real_};
  LogRig rig_{disk_, home_.path(), {.segment_bytes = 64 * 1024, .step_bytes = 16 * 1024}};
};

TEST_F(TrimTest, TheMarkIsDurableBeforeAnythingIsUnlinked) {
  bool unlinked = false;
  disk_.Add({.operation = Operation::kSyncData, .before = [&] { EXPECT_FALSE(unlinked); }});
  disk_.Add({.operation = Operation::kRemoveFile, .before = [&] { unlinked = true; }});
  ASSERT_OK(rig_.Trim(log().Segments()[1].end_offset));
  EXPECT_TRUE(unlinked);
}

TEST_F(TrimTest, WithoutTheMarkNothingIsUnlinked) {
  disk_.Add({.operation = Operation::kSyncData, .path_contains = "state", .error_number = EIO});
  const auto files = real_.List(rig_.directory());
  ASSERT_OK_AND_ASSIGN(const TrimResult result, rig_.Trim(log().LogEnd()));
  EXPECT_THAT(result.state_status, HasErrno(EIO));
  EXPECT_THAT(result.dropped, IsEmpty());
  EXPECT_EQ(real_.List(rig_.directory()), files);
  EXPECT_EQ(log().LogStart(), Offset(0));
  EXPECT_EQ(rig_.Values(Offset(0))->size(), 60U);
}

TEST_F(TrimTest, ATrimKilledAtAnyCallIsFinishedByTheNextOpen) {
  const Offset before = log().Segments()[2].base_offset + 1;
  ASSERT_OK_AND_ASSIGN(const TrimRequest request, log().BeginTrim(*log().PlanTrim(before)));
  for (std::uint64_t nth = 3; nth <= 6; ++nth) {  // behind the mark: write, sync
    const auto rule = disk_.Add({.operation = Operation::kChange,
                                 .when = support::FaultRule::When::kFrom,
                                 .nth = nth,
                                 .error_number = EIO});
    TrimPartition(disk_, request);
    disk_.Remove(rule);
    ASSERT_OK(rig_.Reopen());
    EXPECT_EQ(log().LogStart(), before);
    EXPECT_THAT(rig_.recovered().damages, IsEmpty());
    EXPECT_FALSE(real_.Stat(rig_.SegmentPath(Offset(0))).ok());
    EXPECT_EQ(rig_.Values(before)->size(), static_cast<std::size_t>(Offset(60) - before));
  }
}

TEST_F(TrimTest, AnUnlinkThatFailedIsMadeUpForLater) {
  const auto stuck = disk_.Add({.operation = Operation::kRemoveFile, .error_number = EIO});
  ASSERT_OK_AND_ASSIGN(const TrimResult failed, rig_.Trim(log().LogEnd()));
  EXPECT_OK(failed.state_status);
  EXPECT_THAT(failed.status, HasErrno(EIO));
  EXPECT_EQ(log().LogStart(), Offset(60));
  EXPECT_GE(log().segment_count(), 3U) << "what is on disk is still counted";
  EXPECT_GT(log().allocated_bytes(), 0);
  disk_.Remove(stuck);
  ASSERT_OK(rig_.Run(log().PlanLeftovers(rig_.now())));
  rig_.Advance(std::chrono::hours(1));
  rig_.Run(log().PlanLeftovers(rig_.now())).IgnoreError();
  EXPECT_THAT(rig_.Append({}), support::IsOkAndHolds(Offset(60)));
  EXPECT_EQ(rig_.Values(Offset(60))->size(), 1U);
}

TEST_F(TrimTest, AppendsGoOnDuringATrimOfEverything) {
  ASSERT_OK_AND_ASSIGN(const TrimPlan plan, log().PlanTrim(Offset(60)));
  ASSERT_OK_AND_ASSIGN(const TrimRequest request, log().BeginTrim(plan));
  EXPECT_THAT(log().BeginTrim(plan), StatusIs(absl::StatusCode::kUnavailable));
  const Buffer batch = support::MakeBatch();
  const BatchHeader header = *CheckArrivedBatch(batch.bytes(), {});
  EXPECT_EQ(log().Append(batch, header, rig_.now()).outcome, Admission::Outcome::kNeedsStep);
  EXPECT_EQ(log().StepWanted(rig_.now()), std::nullopt) << "not while names are being unlinked";
  log().OnTrimmed(TrimPartition(disk_, request));
  EXPECT_TRUE(log().step_urgent());
  EXPECT_EQ(rig_.DoWork(), 1);
  EXPECT_THAT(rig_.AppendBatch(batch), support::IsOkAndHolds(Offset(60)));
}

TEST_F(TrimTest, WhatIsNotDurableKeepsItsSegment) {
  const Admission admission = rig_.Admit(support::MakeBatch());
  ASSERT_EQ(admission.outcome, Admission::Outcome::kAdmitted);
  EXPECT_THAT(log().PlanTrim(Offset(61)), StatusIs(absl::StatusCode::kOutOfRange));
  ASSERT_OK_AND_ASSIGN(const TrimPlan plan, log().PlanTrim(Offset(60)));
  EXPECT_FALSE(plan.seals_active);
  ASSERT_OK(rig_.Run(plan));
  ASSERT_TRUE(RunCommit({.writes = {admission.write}}).ok());
  log().OnDurable(admission.end_offset);
  EXPECT_EQ(rig_.Values(Offset(60))->size(), 1U);
}

TEST_F(TrimTest, AnActiveSegmentThatWasBusyGoesWithTheLeftoversOnceIdle) {
  const Admission admission = rig_.Admit(support::MakeBatch());
  ASSERT_OK(rig_.Trim(Offset(60)));
  ASSERT_TRUE(RunCommit({.writes = {admission.write}}).ok());
  log().OnDurable(admission.end_offset);
  ASSERT_OK_AND_ASSIGN(const TrimRequest mark, log().BeginTrim({.log_start = Offset(61)}));
  EXPECT_THAT(mark.drop, IsEmpty());
  log().OnTrimmed(TrimPartition(disk_, mark));
  EXPECT_TRUE(log().PlanLeftovers(rig_.now()).drop.empty()) << "in use";
  rig_.Advance(std::chrono::minutes(1));
  const TrimPlan leftovers = log().PlanLeftovers(rig_.now());
  EXPECT_TRUE(leftovers.seals_active);
  ASSERT_OK(rig_.Run(leftovers));
  EXPECT_EQ(log().segment_count(), 0U);
  EXPECT_THAT(rig_.Append({}), support::IsOkAndHolds(Offset(61)));
}

// A proof takes room for partitions that nobody could write for long, and keeps it.
TEST_F(TrimTest, WorkingRoomIsNoLeftoverOfAPartitionThatNobodyWrites) {
  ASSERT_OK(rig_.Trim(Offset(60)));
  rig_.Advance(std::chrono::minutes(1));
  log().DemandStep(rig_.now());
  ASSERT_EQ(rig_.DoWork(), 1);
  EXPECT_THAT(log().PlanLeftovers(rig_.now()).drop, IsEmpty());
  rig_.Advance(std::chrono::minutes(1));
  EXPECT_EQ(log().PlanLeftovers(rig_.now()).drop.size(), 1U) << "not used in a minute";
}

TEST_F(TrimTest, TrimmingTwiceIsNothingToDo) {
  ASSERT_OK(rig_.Trim(Offset(30)));
  EXPECT_THAT(rig_.Trim(Offset(30)), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(rig_.Trim(Offset(7)), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TrimTest, ExpiryOfEverythingLeavesNoActiveSegment) {
  const TrimPlan none = log().PlanExpiry({.age = std::chrono::hours(1)}, rig_.now().wall);
  EXPECT_TRUE(none.empty(log().LogStart()));
  rig_.Advance(std::chrono::hours(2));
  const TrimPlan all = log().PlanExpiry({.age = std::chrono::hours(1)}, rig_.now().wall);
  EXPECT_TRUE(all.seals_active);
  ASSERT_OK_AND_ASSIGN(const TrimResult result, rig_.Run(all));
  // The filesystem may have given a file a block of its own for its extents since the plan was
  // made.
  EXPECT_GE(result.freed_bytes, all.expected_freed_bytes);
  EXPECT_LE(result.freed_bytes, all.expected_freed_bytes + 8192);
  EXPECT_EQ(log().segment_count(), 0U);
  EXPECT_EQ(log().LogStart(), Offset(60));
  EXPECT_THAT(rig_.Append({}), support::IsOkAndHolds(Offset(60)));
}

}  // namespace
}  // namespace tidemark::storage
