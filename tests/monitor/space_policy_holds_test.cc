// The holds beside the one for space, and that none covers another.
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
using testing::HasSubstr;

TEST_F(SpacePolicyTest, ReadingsThatStayAwayCloseTheGateWithTheLease) {
  BecomeReady();
  const base::MonotonicTime began = rig_.now();
  while (policy().gate_open() && rig_.now() - began < minutes(1)) {
    rig_.Pass(milliseconds(100));
    rig_.Tick();
    rig_.reading_ = false;  // asked for, never answered
  }
  EXPECT_LE(rig_.now() - began, seconds(17));
  ASSERT_TRUE(policy().wanted_holds().blind);
  EXPECT_THAT(policy().wanted_holds().blind->reason, HasSubstr("no answer"));
  EXPECT_FALSE(policy().wanted_holds().space);
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(5)));
  EXPECT_TRUE(durable().empty());
}

TEST_F(SpacePolicyTest, AHoldThatDoesNotBecomeDurableIsToldApart) {
  BecomeReady();
  EXPECT_EQ(policy().unvouched_for(rig_.now()), seconds(0));
  rig_.Do(event::AllocationFailed{SpaceCause::kBytes, "step: ENOSPC"});
  rig_.Pass(seconds(3));  // nobody answers
  rig_.Tick();
  EXPECT_GE(policy().unvouched_for(rig_.now()), seconds(3));
  ASSERT_TRUE(rig_.AnswerPersist());
  EXPECT_EQ(policy().unvouched_for(rig_.now()), seconds(0)) << "what it says is durable";
}

TEST_F(SpacePolicyTest, AbsurdReadingsNeverCountAsOk) {
  BecomeReady();
  storage::FileSystemStat absurd;
  absurd.fragment_bytes = 4096;
  absurd.blocks_total = 10;
  absurd.blocks_free = 1000;
  absurd.blocks_available = 1000;
  const base::MonotonicTime began = rig_.now();
  while (rig_.now() - began < seconds(20)) {
    rig_.Pass(milliseconds(100));
    rig_.Tick();
    rig_.AnswerReadingWith(JudgeReading(absurd, rig_.now(), rig_.now()));
  }
  EXPECT_FALSE(policy().gate_open());
  EXPECT_TRUE(policy().wanted_holds().blind);
}

TEST_F(SpacePolicyTest, AReadingThatTookLongerThanItsDeadlineIsNone) {
  rig_.MakeReady();
  rig_.AnswerVerify();
  SpaceReading slow = std::get<SpaceReading>(rig_.ReadDisk());
  slow.started = rig_.now() - seconds(2);
  rig_.AnswerReadingWith(slow);
  EXPECT_FALSE(policy().gate_open());
  EXPECT_EQ(Explain().reading_fault->kind, ReadingFaultKind::kDeadlineMissed);
}

TEST_F(SpacePolicyTest, BlindNeedsThreeFreshReadingsAndThenChecksTheSpace) {
  BecomeReady();
  while (!policy().wanted_holds().blind) {
    rig_.Pass(seconds(1));
    rig_.Tick();
    rig_.reading_ = false;
  }
  rig_.AnswerPersist();
  rig_.Fill(0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(policy().wanted_holds().blind);
    rig_.Pass(seconds(1));
    rig_.Tick();
    rig_.Do(event::ReadingArrived{rig_.ReadDisk()});
  }
  EXPECT_FALSE(policy().wanted_holds().blind);
  EXPECT_TRUE(policy().wanted_holds().space);
}

TEST_F(SpacePolicyTest, ADeviceFaultDuringAnEpisodeDoesNotEndIt) {
  BecomeFull();
  rig_.Free(100 * kMiB);
  rig_.Do(event::DeviceFailed{DeviceCause::kSyncFailed, "fdatasync: EIO"});
  EXPECT_EQ(DescribeHolds(policy().HoldsNow()),
            "space(episode 1, bytes), device(sync failed: fdatasync: EIO)");
  ASSERT_TRUE(rig_.reports_.back().device_fault);
  EXPECT_EQ(rig_.reports_.back().record.generation, base::Generation(2));  // beside it
  rig_.Run(minutes(1));
  EXPECT_FALSE(policy().gate_open());
  EXPECT_TRUE(durable().space);
  rig_.Boot();
  EXPECT_TRUE(policy().wanted_holds().space);
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(10)));
  EXPECT_EQ(rig_.on_disk_.last_proof->episode, base::Episode(1));
}

TEST_F(SpacePolicyTest, ADeviceFaultIsToldWithoutWaitingForTheDisk) {
  BecomeReady();
  rig_.Do(event::OperatorHolds{"anna", "check"});
  ASSERT_TRUE(rig_.persisting_);  // and hangs
  rig_.Do(event::DeviceFailed{DeviceCause::kIoError, "EIO"});
  ASSERT_FALSE(rig_.reports_.empty());
  EXPECT_TRUE(rig_.reports_.back().device_fault);
}

TEST_F(SpacePolicyTest, AnotherFilesystemUnderThePathIsADeviceFault) {
  BecomeReady();
  rig_.identity_ = {9, 9};
  rig_.Do(event::PollNow{});
  rig_.AnswerReading();
  EXPECT_FALSE(policy().gate_open());
  EXPECT_EQ(policy().device_fault()->cause, DeviceCause::kWrongVolume);
  rig_.identity_ = {1, 2};  // back again: only a restart may believe it
  rig_.Run(minutes(1));
  EXPECT_FALSE(policy().gate_open());
}

TEST_F(SpacePolicyTest, AReadOnlyMountIsADeviceFault) {
  BecomeReady();
  rig_.read_only_ = true;
  rig_.Do(event::PollNow{});
  rig_.AnswerReading();
  EXPECT_EQ(policy().device_fault()->cause, DeviceCause::kReadOnly);
  EXPECT_FALSE(policy().gate_open());
}

TEST_F(SpacePolicyTest, AFailedSyncOfTheRecordIsADeviceFault) {
  BecomeReady();
  rig_.Do(event::OperatorHolds{"anna", "x"});
  rig_.AnswerPersist(false);
  EXPECT_EQ(policy().device_fault()->cause, DeviceCause::kSyncFailed);
  EXPECT_FALSE(policy().gate_open());
}

TEST_F(SpacePolicyTest, OperatorAndSpaceHoldsDoNotCoverEachOther) {
  BecomeFull();
  rig_.Do(event::OperatorHolds{"anna", "new disk"});
  rig_.AnswerPersist();
  EXPECT_TRUE(durable().space && durable().operator_hold);
  rig_.Do(event::OperatorReleases{"ben"});
  rig_.AnswerPersist();
  EXPECT_TRUE(durable().space);
  rig_.Do(event::OperatorHolds{"anna", "new disk"});
  rig_.Free(100 * kMiB);
  ASSERT_TRUE(rig_.RunUntil([this] { return !durable().space; }, seconds(10)));
  EXPECT_TRUE(durable().operator_hold);
  EXPECT_FALSE(policy().gate_open());
  rig_.Do(event::OperatorReleases{"ben"});
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(1)));
}

TEST_F(SpacePolicyTest, ALostReserveIsAnEpisode) {
  BecomeReady();
  rig_.reserve_ = 0;
  rig_.Do(event::ReserveLost{"released: unlink met ENOSPC"});
  EXPECT_FALSE(policy().gate_open());
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(10)));
  EXPECT_EQ(rig_.reserve_, rig_.marks().reserve_bytes);
  EXPECT_EQ(rig_.on_disk_.last_proof->reserve_bytes, rig_.marks().reserve_bytes);
}

}  // namespace
}  // namespace tidemark::monitor
