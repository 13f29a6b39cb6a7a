#include "monitor/space_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitor/space_policy_fixture.h"

namespace tidemark::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

TEST_F(SpacePolicyTest, StopsThenPersistsThenTells) {
  BecomeReady();
  rig_.Fill(rig_.marks().full_bytes - 1);
  rig_.Do(event::PollNow{});
  rig_.AnswerReading();
  EXPECT_FALSE(policy().gate_open());
  EXPECT_THAT(rig_.trace_, ElementsAre("close", "persist space(episode 1, bytes)"));
  rig_.AnswerPersist();
  ASSERT_FALSE(rig_.reports_.empty());
  EXPECT_EQ(rig_.trace_.back(), "report 2");
  EXPECT_EQ(rig_.reports_.back().record.holds.space->episode, base::Episode(1));
}

TEST_F(SpacePolicyTest, StopsWhenLessThanOneStepIsLeftAboveFull) {
  BecomeReady();
  rig_.Fill(rig_.marks().full_bytes + rig_.marks().step_bytes - 1);
  rig_.Do(event::PollNow{});
  rig_.AnswerReading();
  EXPECT_TRUE(policy().wanted_holds().space);
}

TEST_F(SpacePolicyTest, InodesStopWithBytesLeft) {
  BecomeReady();
  rig_.inodes_available_ = rig_.marks().full_inodes - 1;
  rig_.Do(event::PollNow{});
  rig_.AnswerReading();
  ASSERT_TRUE(policy().wanted_holds().space);
  EXPECT_EQ(policy().wanted_holds().space->cause, SpaceCause::kInodes);
  rig_.Run(seconds(5));
  EXPECT_FALSE(policy().gate_open());
  EXPECT_EQ(Explain().proof_failure->inodes_short,
            rig_.marks().resume_inodes - rig_.inodes_available_);
  rig_.inodes_available_ = rig_.marks().resume_inodes;
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(5)));
}

TEST_F(SpacePolicyTest, AFailedAllocationStopsAtOnce) {
  BecomeReady();
  rig_.Do(event::AllocationFailed{SpaceCause::kQuota, "fallocate: EDQUOT"});
  EXPECT_FALSE(policy().gate_open());
  EXPECT_EQ(policy().wanted_holds().space->cause, SpaceCause::kQuota);
  EXPECT_TRUE(rig_.reading_);
}

TEST_F(SpacePolicyTest, ARefusalForWhatNoReadingShowsYetOnlyAsksForAReading) {
  BecomeReady();
  const std::int64_t all = rig_.available() - rig_.marks().full_bytes;
  const auto grant = policy().Request(all, 0, rig_.now());
  ASSERT_TRUE(std::holds_alternative<GrantId>(grant));
  ASSERT_TRUE(std::holds_alternative<BudgetRefusal>(policy().Request(1, 0, rig_.now())));
  rig_.Do(event::NoStepFits{1, 0});
  EXPECT_TRUE(policy().gate_open());
  EXPECT_TRUE(rig_.reading_);
  rig_.data_ += all;
  policy().Complete(std::get<GrantId>(grant), rig_.now());
  rig_.Pass(milliseconds(1));
  rig_.AnswerReading();
  EXPECT_FALSE(policy().gate_open());
}

TEST_F(SpacePolicyTest, AHoldThatCannotBePersistedKeepsTheGateClosedAndIsTriedAgain) {
  BecomeReady();
  rig_.Do(event::AllocationFailed{SpaceCause::kBytes, ""});
  rig_.AnswerPersist(false, /*unknown_on_disk=*/false);
  EXPECT_FALSE(policy().gate_open());
  EXPECT_FALSE(rig_.persisting_);
  ASSERT_TRUE(rig_.RunUntil([this] { return rig_.persisting_.has_value(); }, seconds(1)));
  EXPECT_EQ(rig_.persisting_->generation, base::Generation(3));  // 2 was tried
  rig_.AnswerPersist();
  EXPECT_TRUE(durable().space);
}

TEST_F(SpacePolicyTest, ReclaimsFromLowOnAndPausesBetween) {
  BecomeReady();
  rig_.Fill(rig_.marks().low_bytes - 5);
  rig_.Do(event::PollNow{});
  rig_.AnswerReading();
  EXPECT_TRUE(rig_.reclaiming_);
  EXPECT_TRUE(policy().gate_open());
  rig_.AnswerReclaim();
  rig_.Pass(milliseconds(10));
  rig_.Do(event::PollNow{});
  rig_.AnswerReading();
  EXPECT_FALSE(rig_.reclaiming_);
  EXPECT_TRUE(rig_.RunUntil([this] { return rig_.reclaiming_; }, seconds(20)));
  EXPECT_TRUE(Explain().reclaim_needs_operator);
}

}  // namespace
}  // namespace tidemark::monitor
