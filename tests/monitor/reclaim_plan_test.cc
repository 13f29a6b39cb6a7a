#include "monitor/reclaim_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidemark::monitor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ReclaimCandidate Candidate(ReclaimKind kind, std::uint64_t partition, std::int64_t base_offset,
                           std::int64_t bytes) {
  ReclaimCandidate candidate;
  candidate.kind = kind;
  candidate.partition = base::PartitionId(partition);
  candidate.base_offset = base::Offset(base_offset);
  candidate.expected_bytes = bytes;
  candidate.name = std::string(ReclaimKindName(kind)) + " " + std::to_string(partition) + "/" +
                   std::to_string(base_offset);
  return candidate;
}

std::vector<std::string> Names(const ReclaimPlan& plan) {
  std::vector<std::string> names;
  for (const auto& step : plan.steps) names.push_back(step.name);
  return names;
}

TEST(ReclaimPlanTest, TakesFirstWhatNobodyMisses) {
  const auto plan = MakeReclaimPlan({Candidate(ReclaimKind::kDropOldestSegment, 1, 0, 50),
                                     Candidate(ReclaimKind::kExpiredSegment, 2, 0, 500),
                                     Candidate(ReclaimKind::kTrimmedSegment, 2, 0, 10),
                                     Candidate(ReclaimKind::kTombstonedPartition, 3, 0, 20),
                                     Candidate(ReclaimKind::kUnusedStep, 4, 0, 1)},
                                    {1000, 1000});
  EXPECT_THAT(Names(plan),
              ElementsAre("unused step 4/0", "tombstoned partition 3/0", "trimmed segment 2/0",
                          "expired segment 2/0", "oldest segment 1/0"));
  EXPECT_EQ(plan.expected_bytes, 581);
}

TEST(ReclaimPlanTest, SegmentsOfOnePartitionGoOldestFirstWhateverTheirSize) {
  const auto plan = MakeReclaimPlan({Candidate(ReclaimKind::kExpiredSegment, 1, 200, 900),
                                     Candidate(ReclaimKind::kExpiredSegment, 1, 100, 1),
                                     Candidate(ReclaimKind::kExpiredSegment, 2, 0, 500)},
                                    {10, 0});
  EXPECT_THAT(Names(plan),
              ElementsAre("expired segment 1/100", "expired segment 1/200", "expired segment 2/0"));
}

TEST(ReclaimPlanTest, DropOldestNeverTakesMoreThanOurOwnGrowth) {
  const auto plan = MakeReclaimPlan({Candidate(ReclaimKind::kDropOldestSegment, 1, 0, 40),
                                     Candidate(ReclaimKind::kDropOldestSegment, 1, 10, 40),
                                     Candidate(ReclaimKind::kDropOldestSegment, 1, 20, 1)},
                                    {1000, 79});
  // The small one behind the withheld one stays, too: oldest first.
  EXPECT_THAT(Names(plan), ElementsAre("oldest segment 1/0"));
  EXPECT_EQ(plan.withheld_bytes, 41);
  const auto none =
      MakeReclaimPlan({Candidate(ReclaimKind::kDropOldestSegment, 1, 0, 40)}, {1000, 0});
  EXPECT_THAT(none.steps, IsEmpty());
}

TEST(ReclaimPlanTest, DropOldestOnlyAsFarAsWanted) {
  const auto plan = MakeReclaimPlan({Candidate(ReclaimKind::kExpiredSegment, 2, 0, 60),
                                     Candidate(ReclaimKind::kDropOldestSegment, 1, 0, 40),
                                     Candidate(ReclaimKind::kDropOldestSegment, 1, 10, 40)},
                                    {100, 1000});
  EXPECT_THAT(Names(plan), ElementsAre("expired segment 2/0", "oldest segment 1/0"));
  EXPECT_EQ(plan.withheld_bytes, 0);
}

class ReclaimRunTest : public testing::Test {
 protected:
  static ReclaimPlan Plan() {
    return MakeReclaimPlan({Candidate(ReclaimKind::kExpiredSegment, 1, 0, 100),
                            Candidate(ReclaimKind::kExpiredSegment, 1, 10, 100),
                            Candidate(ReclaimKind::kExpiredSegment, 1, 20, 100)},
                           {300, 0});
  }
};

TEST_F(ReclaimRunTest, StopsAsSoonAsEnoughIsAvailable) {
  ReclaimRun run(Plan(), 1000, 1150);
  ASSERT_NE(run.Next(), nullptr);
  EXPECT_EQ(run.Next()->base_offset, base::Offset(0));
  run.Observe(100, 1100, 0);
  ASSERT_NE(run.Next(), nullptr);
  run.Observe(100, 1200, 0);
  EXPECT_EQ(run.Next(), nullptr);
  EXPECT_EQ(run.end(), ReclaimEnd::kReached);
  EXPECT_EQ(run.done(), 2U);
  EXPECT_EQ(run.gained_bytes(), 200);
  EXPECT_FALSE(run.needs_operator());
}

TEST_F(ReclaimRunTest, StopsAtZeroYield) {
  ReclaimRun run(Plan(), 1000, 2000);
  run.Observe(100, 1000, 0);
  EXPECT_EQ(run.Next(), nullptr);
  EXPECT_EQ(run.end(), ReclaimEnd::kZeroYield);
  EXPECT_TRUE(run.needs_operator());
}

TEST_F(ReclaimRunTest, GoesToTheEndOfThePlan) {
  ReclaimRun run(Plan(), 1000, 2000);
  for (int i = 1; i <= 3; ++i) run.Observe(100, 1000 + i * 100, 0);
  EXPECT_EQ(run.end(), ReclaimEnd::kPlanEnded);
  EXPECT_FALSE(run.needs_operator()) << "there may be more by now";
  EXPECT_EQ(run.freed_bytes(), 300);
}

// Drop_oldest is planned as far as wanted only; who writes meanwhile wants more by then.
TEST_F(ReclaimRunTest, OutrunByOurOwnWritesNeedsAnotherRunAndNoOperator) {
  ReclaimRun run(MakeReclaimPlan({Candidate(ReclaimKind::kDropOldestSegment, 1, 0, 100),
                                  Candidate(ReclaimKind::kDropOldestSegment, 1, 10, 100)},
                                 {50, 1000}),
                 1000, 1050);
  run.Observe(100, 1030, 70);
  EXPECT_EQ(run.end(), ReclaimEnd::kPlanEnded);
  EXPECT_FALSE(run.needs_operator());
}

TEST_F(ReclaimRunTest, AYieldIsNetOfWhatWeTookMeanwhile) {
  ReclaimRun run(Plan(), 1000, 2000);
  run.Observe(100, 950, 149);
  EXPECT_FALSE(run.end().has_value());
}

// Pinned, and the plan over: another plan would only drop more for nothing.
TEST_F(ReclaimRunTest, AZeroYieldOfTheLastStepIsOne) {
  ReclaimRun run(
      MakeReclaimPlan({Candidate(ReclaimKind::kDropOldestSegment, 1, 0, 100)}, {50, 100}), 1000,
      1050);
  run.Observe(100, 1000, 0);
  EXPECT_EQ(run.end(), ReclaimEnd::kZeroYield);
}

TEST_F(ReclaimRunTest, AnEmptyPlanEndsAtOnceAndEnoughSpaceNeedsNone) {
  EXPECT_EQ(ReclaimRun({}, 1, 2).end(), ReclaimEnd::kPlanEnded);
  EXPECT_TRUE(ReclaimRun({}, 1, 2).needs_operator());
  EXPECT_EQ(ReclaimRun(Plan(), 2, 2).end(), ReclaimEnd::kReached);
}

}  // namespace
}  // namespace tidemark::monitor
