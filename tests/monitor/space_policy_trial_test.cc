// A shortage that no reading shows is over only when the gap was really taken, and given back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/space_policy.h"
#include "tests/monitor/space_policy_fixture.h"

namespace tidemark::monitor {
namespace {

using base::kMiB;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// statvfs shows plenty, held room is held, nobody lacks a step: still nothing has been reclaimed.
TEST_F(SpacePolicyTest, AQuotaIsProvenOnlyByTakingTheGapAndGivingItBack) {
  rig_.MakeReady();
  rig_.quota_left_ = 0;
  rig_.Do(event::AllocationFailed{SpaceCause::kQuota, "step: EDQUOT"});
  rig_.Run(minutes(1));
  EXPECT_FALSE(policy().gate_open());
  EXPECT_GT(rig_.trials_, 3);
  ASSERT_TRUE(Explain().proof_failure);
  EXPECT_EQ(Explain().proof_failure->step, ProofStep::kTakeRoom);
  EXPECT_EQ(Explain().proof_failure->bytes_short, rig_.marks().gap_bytes());
  rig_.quota_left_ = rig_.marks().gap_bytes() - 1;
  rig_.Run(minutes(1));
  EXPECT_FALSE(policy().gate_open()) << "a little is not the gap";
  // A restart knows from the record that no reading shows it.
  rig_.Kill();
  rig_.Boot();
  rig_.Run(minutes(1));
  EXPECT_FALSE(policy().gate_open());
  EXPECT_EQ(durable().space->cause, SpaceCause::kQuota);
  rig_.quota_left_ = rig_.marks().gap_bytes();
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(20)));
}

// The reading explained why nothing could be allocated; it does not explain the quota away.
TEST_F(SpacePolicyTest, AQuotaThatIsMetWhileTheVolumeIsFullIsProvenToo) {
  BecomeFull();
  rig_.quota_left_ = 0;
  rig_.Do(event::AllocationFailed{SpaceCause::kQuota, "index: EDQUOT"});
  rig_.Free(100 * kMiB);
  rig_.Run(minutes(1));
  EXPECT_FALSE(policy().gate_open()) << "readings show space enough, the quota has none";
  EXPECT_GT(rig_.trials_, 3);
  rig_.quota_left_ = PolicyRig::kCapacity;
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(20)));
}

// A proof that waits for readings began before it was known that they do not show all.
TEST_F(SpacePolicyTest, AShortageThatNoReadingShowsIsTriedForByAProofUnderWay) {
  BecomeFull();
  rig_.Free(rig_.marks().gap_bytes() / 2);
  rig_.Run(seconds(30));
  ASSERT_EQ(Explain().proof_failure->step, ProofStep::kReadings) << "above full, below resume";
  rig_.quota_left_ = 0;
  rig_.Do(event::AllocationFailed{SpaceCause::kBytes, "index: ENOSPC"});
  rig_.Free(100 * kMiB);
  rig_.Run(minutes(1));
  EXPECT_FALSE(policy().gate_open()) << "what readings show cannot be had";
  rig_.quota_left_ = PolicyRig::kCapacity;
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(20)));
}

TEST_F(SpacePolicyTest, AQuotaThatANeighbourLeavesForAMomentIsNoProof) {
  rig_.MakeReady();
  rig_.quota_left_ = 0;
  rig_.Do(event::AllocationFailed{SpaceCause::kQuota, "step: EDQUOT"});
  for (int i = 0; i < 10; ++i) {
    // Just when it is tried for there is room, and none a settling later.
    ASSERT_TRUE(rig_.RunUntil([this] { return rig_.taking_.has_value(); }, minutes(1)));
    rig_.quota_left_ = PolicyRig::kCapacity;
    ASSERT_TRUE(rig_.AnswerRoom());
    rig_.quota_left_ = 0;
    ASSERT_TRUE(rig_.RunUntil([this] { return rig_.taking_.has_value(); }, minutes(1)));
    ASSERT_TRUE(rig_.AnswerRoom());
    EXPECT_FALSE(policy().gate_open());
  }
}

TEST_F(SpacePolicyTest, AnAllocationThatFailedAgainstTheReadingIsProvenByTaking) {
  rig_.MakeReady();
  rig_.quota_left_ = 0;
  rig_.Do(event::AllocationFailed{SpaceCause::kBytes, "step: ENOSPC"});
  rig_.Run(minutes(1));
  EXPECT_FALSE(policy().gate_open()) << "what the reading shows cannot be had";
  rig_.quota_left_ = PolicyRig::kCapacity;
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(20)));
  // The next episode is of what readings show: nothing to try for.
  const int trials = rig_.trials_;
  rig_.Fill(rig_.marks().full_bytes);
  rig_.Run(seconds(30));
  ASSERT_FALSE(policy().gate_open());
  rig_.Free(100 * kMiB);
  ASSERT_TRUE(rig_.RunUntilOpen(minutes(2)));
  EXPECT_EQ(rig_.trials_, trials);
}

TEST_F(SpacePolicyTest, WhatATrialTakesForAMomentIsNoReasonToReclaim) {
  BecomeReady();
  rig_.Do(event::AllocationFailed{SpaceCause::kQuota, "fallocate: EDQUOT"});
  ASSERT_TRUE(rig_.RunUntil([&] { return rig_.taking_.has_value(); }, minutes(1)));
  ASSERT_GT(rig_.taking_->trial_bytes, 0);
  rig_.Do(event::PollNow{});
  ASSERT_TRUE(rig_.reading_);
  SpaceReading low = std::get<SpaceReading>(rig_.ReadDisk());
  low.available_bytes = rig_.marks().resume_bytes;
  rig_.AnswerReadingWith(low);
  EXPECT_FALSE(rig_.reclaiming_);
  rig_.Pass(milliseconds(1));
  rig_.Do(event::PollNow{});
  rig_.Pass(milliseconds(1));
  low.started = low.finished = rig_.now();  // in the middle of it, and told when it is over
  rig_.Pass(milliseconds(1));
  ASSERT_TRUE(rig_.AnswerRoom());
  rig_.AnswerReadingWith(low);
  EXPECT_FALSE(rig_.reclaiming_);
  EXPECT_TRUE(rig_.RunUntilOpen(minutes(1)));
}

TEST_F(SpacePolicyTest, AStepThatGoesWhileTheRoomIsTriedIsTakenTheSecondTime) {
  BecomeReady();
  rig_.Do(event::AllocationFailed{SpaceCause::kQuota, "fallocate: EDQUOT"});
  ASSERT_TRUE(rig_.RunUntil([&] { return rig_.taking_.has_value(); }, minutes(1)));
  EXPECT_EQ(rig_.taking_->steps, 0);
  rig_.Do(event::StepsMissing{1});
  ASSERT_TRUE(rig_.AnswerRoom());
  ASSERT_TRUE(rig_.RunUntil([&] { return rig_.taking_.has_value(); }, minutes(1)));
  EXPECT_EQ(rig_.taking_->steps, 1);
}

// btrfs, with a neighbour who leaves much to be written.

}  // namespace
}  // namespace tidemark::monitor
