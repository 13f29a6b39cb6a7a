// What must have been seen before a volume goes on, and what undoes it half way.
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
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(SpacePolicyTest, GoesOnWithRoomHeldThenPersistedThenOpenThenTold) {
  BecomeFull();
  rig_.Do(event::StepsMissing{4});
  rig_.Do(event::SpaceFreed{50 * kMiB});
  rig_.Free(50 * kMiB);
  const base::MonotonicTime freed_at = rig_.now();
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(10)));
  EXPECT_GE(rig_.now() - freed_at, rig_.options_.settle);
  EXPECT_THAT(rig_.trace_, ElementsAre("take room", "persist ready", "open", "report 3"));
  ASSERT_TRUE(rig_.on_disk_.last_proof);
  const Proof& proof = *rig_.on_disk_.last_proof;
  EXPECT_EQ(FindProofDefect(proof), "");
  EXPECT_EQ(proof.episode, base::Episode(1));
  EXPECT_EQ(proof.bytes_before, rig_.marks().full_bytes - 1);
  EXPECT_EQ(proof.bytes_after, rig_.available());
  EXPECT_EQ(proof.freed_by_us_bytes, 50 * kMiB);
  EXPECT_EQ(proof.observed_gain_bytes, 50 * kMiB);
  // Half of the gap of 5.1 MiB holds four steps of 512 KiB.
  EXPECT_EQ(proof.steps_taken, 4);
  EXPECT_EQ(proof.steps_bytes, 4 * rig_.marks().step_bytes);
  EXPECT_EQ(rig_.steps_, 4 * rig_.marks().step_bytes);
  EXPECT_GE(proof.readings, 3);
  EXPECT_GE(proof.settle, rig_.options_.settle);
  EXPECT_EQ(proof.file_system, "ext4");
}

TEST_F(SpacePolicyTest, TakesAtMostHalfTheGapInSteps) {
  BecomeFull();
  rig_.Do(event::StepsMissing{1000});
  rig_.Free(100 * kMiB);
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(10)));
  EXPECT_EQ(rig_.on_disk_.last_proof->steps_taken,
            rig_.marks().gap_bytes() / 2 / rig_.marks().step_bytes);
}

// Who takes them tells what is missing still; to subtract them once more lost a partition's step.
TEST_F(SpacePolicyTest, TakesTheStepsThatAFailedTakingLeftMissing) {
  BecomeFull();
  rig_.Do(event::StepsMissing{3});
  rig_.steps_before_refusal_ = 1;
  rig_.Free(100 * kMiB);
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(10)));
  EXPECT_EQ(rig_.on_disk_.last_proof->steps_taken, 3);
  EXPECT_EQ(rig_.steps_, 3 * rig_.marks().step_bytes);
}

TEST_F(SpacePolicyTest, StaysFullInsideTheGap) {
  BecomeFull();
  rig_.Free(rig_.marks().gap_bytes() - kMiB);
  rig_.Run(minutes(10));
  EXPECT_FALSE(policy().gate_open());
  EXPECT_THAT(rig_.trace_, IsEmpty());
  const Explanation e = Explain();
  EXPECT_EQ(e.proof_step, ProofStep::kReadings);
  EXPECT_EQ(e.proof_failure->bytes_short, rig_.marks().resume_bytes - rig_.available());
  EXPECT_THAT(e.summary, HasSubstr("short"));
}

TEST_F(SpacePolicyTest, StaysFullWhenForeignProcessEatsTheFreedSpaceBeforeTheReading) {
  BecomeFull();
  rig_.Do(event::SpaceFreed{50 * kMiB});  // freed, and taken at once: no reading ever shows it
  rig_.Run(minutes(1));
  EXPECT_FALSE(policy().gate_open());
  EXPECT_TRUE(Explain().pinned);
  EXPECT_EQ(Explain().freed_by_us_bytes, 50 * kMiB);
}

TEST_F(SpacePolicyTest, StaysFullWhenForeignProcessEatsItWhileItSettles) {
  BecomeFull();
  for (int i = 0; i < 20; ++i) {
    rig_.Free(50 * kMiB);
    rig_.Run(milliseconds(1900));
    rig_.Fill(rig_.marks().full_bytes);
    rig_.Run(milliseconds(600));
    EXPECT_FALSE(policy().gate_open());
  }
  EXPECT_THAT(rig_.trace_, IsEmpty());
}

TEST_F(SpacePolicyTest, StaysFullWhenForeignProcessEatsItAtTheTaking) {
  BecomeFull();
  rig_.reserve_ = 0;
  rig_.Do(event::ReserveLost{"used"});
  rig_.Free(60 * kMiB);
  rig_.steal_at_taking_ = 1000 * kMiB;
  ASSERT_TRUE(rig_.RunUntil(
      [this] {
        const auto e = Explain();
        return e.proof_failure && e.proof_failure->step == ProofStep::kTakeRoom;
      },
      seconds(10)));
  EXPECT_EQ(Explain().proof_failure->bytes_short, rig_.marks().reserve_bytes);
  EXPECT_EQ(Explain().proof_failure->reason, "fallocate: ENOSPC");
  EXPECT_FALSE(policy().gate_open());
  EXPECT_TRUE(durable().space);
  rig_.steal_at_taking_ = 0;
  rig_.Free(60 * kMiB);
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(20)));
}

TEST_F(SpacePolicyTest, StaysFullWhenForeignProcessEatsItBeforeTheLastReading) {
  BecomeFull();
  rig_.Free(50 * kMiB);
  ASSERT_TRUE(rig_.RunUntil([this] { return rig_.taking_.has_value(); }, seconds(10)));
  rig_.AnswerRoom();
  rig_.Fill(rig_.marks().resume_bytes - 7);
  rig_.AnswerReading();
  EXPECT_FALSE(rig_.persisting_);
  const ProofFailure failure = *Explain().proof_failure;
  EXPECT_EQ(failure.step, ProofStep::kReadingAfter);
  EXPECT_EQ(failure.bytes_short, 7);
  EXPECT_GT(failure.next_try, rig_.now());
}

TEST_F(SpacePolicyTest, AReadingBegunBeforeTheRoomWasTakenIsNotTheOneAfter) {
  BecomeFull();
  rig_.Free(50 * kMiB);
  ASSERT_TRUE(rig_.RunUntil([this] { return rig_.taking_.has_value(); }, seconds(10)));
  rig_.Pass(milliseconds(1));
  rig_.Do(event::PollNow{});
  const ReadingOutcome early = rig_.ReadDisk();
  rig_.Pass(milliseconds(1));
  rig_.AnswerRoom();
  ASSERT_TRUE(rig_.AnswerReadingWith(early));
  EXPECT_FALSE(rig_.persisting_);
  rig_.Pass(milliseconds(1));
  ASSERT_TRUE(rig_.AnswerReading());
  EXPECT_TRUE(rig_.persisting_);
}

TEST_F(SpacePolicyTest, AnEnospcDuringTheProofFailsIt) {
  BecomeFull();
  rig_.Free(50 * kMiB);
  ASSERT_TRUE(rig_.RunUntil([this] { return rig_.taking_.has_value(); }, seconds(10)));
  rig_.Do(event::AllocationFailed{SpaceCause::kBytes, "fallocate: ENOSPC"});
  rig_.AnswerRoom();
  rig_.Pass(milliseconds(1));
  rig_.AnswerReading();
  EXPECT_FALSE(rig_.persisting_);
  EXPECT_EQ(Explain().proof_failure->step, ProofStep::kNoNewError);
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(10)));
}

TEST_F(SpacePolicyTest, AFailedReadingRestartsTheSettling) {
  BecomeFull();
  rig_.Free(50 * kMiB);
  ASSERT_TRUE(rig_.RunUntil([this] { return Explain().proof_readings_seen == 3; }, seconds(10)));
  ASSERT_TRUE(rig_.RunUntil([this] { return rig_.reading_; }, seconds(10)));
  rig_.AnswerReadingWith(ReadingFault{ReadingFaultKind::kFailed, "statvfs: EIO"});
  EXPECT_EQ(Explain().proof_readings_seen, 0);
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(10)));
}

TEST_F(SpacePolicyTest, AProofThatCannotBePersistedKeepsTheHold) {
  BecomeFull();
  rig_.Free(50 * kMiB);
  ASSERT_TRUE(rig_.RunUntil([this] { return rig_.persisting_.has_value(); }, seconds(10)));
  rig_.AnswerPersist(false, /*unknown_on_disk=*/false);
  EXPECT_FALSE(policy().gate_open());
  EXPECT_EQ(policy().wanted_holds().space->episode, base::Episode(1));
  EXPECT_EQ(Explain().proof_failure->step, ProofStep::kPersist);
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(10)));
  EXPECT_EQ(rig_.on_disk_.generation, base::Generation(4));
}

TEST_F(SpacePolicyTest, ALateFullReadingWhileTheProofIsWrittenBeginsTheNextEpisode) {
  BecomeFull();
  rig_.Free(50 * kMiB);
  ASSERT_TRUE(rig_.RunUntil([this] { return rig_.persisting_.has_value(); }, seconds(10)));
  rig_.Fill(0);
  rig_.Pass(milliseconds(1));
  rig_.Do(event::PollNow{});
  rig_.AnswerReading();
  rig_.AnswerPersist();
  EXPECT_FALSE(policy().gate_open());
  EXPECT_THAT(rig_.reports_, IsEmpty());
  rig_.AnswerPersist();
  EXPECT_EQ(durable().space->episode, base::Episode(2));
  EXPECT_EQ(rig_.reports_.back().record.generation, base::Generation(4));
}

TEST_F(SpacePolicyTest, MarksChangedDuringAnEpisodeKeepItAndJudgeTheProof) {
  BecomeFull();
  rig_.Free(10 * kMiB);
  Marks marks = rig_.marks();
  marks.resume_bytes += 20 * kMiB;
  marks.low_bytes += 20 * kMiB;
  rig_.Do(event::MarksChanged{marks, "anna"});
  rig_.AnswerPersist();
  EXPECT_EQ(rig_.on_disk_.generation, base::Generation(3));
  EXPECT_EQ(rig_.on_disk_.marks_set_by, "anna");
  EXPECT_EQ(durable().space->episode, base::Episode(1));
  rig_.Run(minutes(1));
  EXPECT_FALSE(policy().gate_open());
  rig_.Free(20 * kMiB);
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(10)));
  EXPECT_EQ(rig_.on_disk_.last_proof->marks, marks);
}

TEST_F(SpacePolicyTest, MarksChangedWhileTheProofIsWrittenVoidIt) {
  BecomeFull();
  rig_.Free(10 * kMiB);
  ASSERT_TRUE(rig_.RunUntil([this] { return rig_.persisting_.has_value(); }, seconds(10)));
  Marks marks = rig_.marks();
  marks.resume_bytes += 20 * kMiB;
  marks.low_bytes += 20 * kMiB;
  rig_.Do(event::MarksChanged{marks, "anna"});
  rig_.AnswerPersist();
  rig_.Run(minutes(1));
  EXPECT_FALSE(policy().gate_open());
  EXPECT_EQ(durable().space->episode, base::Episode(1));
}

TEST_F(SpacePolicyTest, AnEpisodeSoonAfterTheLastDoublesTheSettleTimeNotTheGap) {
  BecomeFull();
  const auto again = [this] {
    rig_.Free(50 * kMiB);
    ASSERT_TRUE(rig_.RunUntilOpen(minutes(3)));
    rig_.Fill(0);
    rig_.Do(event::PollNow{});
    ASSERT_TRUE(
        rig_.RunUntil([this] { return rig_.on_disk_.holds.space.has_value(); }, seconds(10)));
  };
  base::Duration expected = rig_.options_.settle;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(Explain().settle, expected) << i;
    again();
    expected = std::min(expected * 2, rig_.options_.settle_max);
  }
  rig_.Free(50 * kMiB);
  ASSERT_TRUE(rig_.RunUntilOpen(minutes(3)));
  rig_.Run(rig_.options_.flap_window * 10);
  rig_.Fill(0);
  rig_.Do(event::PollNow{});
  rig_.AnswerReading();
  EXPECT_EQ(Explain().settle, rig_.options_.settle);
}

TEST_F(SpacePolicyTest, AProofRefusedByTheControllerIsProvenAgain) {
  BecomeFull();
  rig_.Free(50 * kMiB);
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(10)));
  rig_.Do(event::ProofRefused{base::Generation(2), "of an old report"});
  EXPECT_TRUE(policy().gate_open());
  rig_.trace_.clear();
  rig_.Do(event::ProofRefused{base::Generation(3), "short"});
  EXPECT_THAT(rig_.trace_, ElementsAre("close", "persist space(episode 2, bytes)"));
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(20)));
  EXPECT_EQ(rig_.on_disk_.generation, base::Generation(5));
  EXPECT_EQ(rig_.on_disk_.last_proof->episode, base::Episode(2));
}

TEST_F(SpacePolicyTest, ASyncThatTakesLongerThanAReadingMayDelaysTheProofAndNoMore) {
  for (const base::Duration takes : {milliseconds(900), milliseconds(1500), milliseconds(9000)}) {
    SCOPED_TRACE(takes.count());
    rig_.MakeReady();
    rig_.sync_takes_ = takes;
    ASSERT_TRUE(rig_.RunUntilOpen(seconds(60)));
    rig_.Fill(rig_.marks().full_bytes);
    ASSERT_TRUE(rig_.RunUntil([&] { return rig_.on_disk_.holds.space.has_value(); }, seconds(60)));
    rig_.Free(100 * kMiB);
    EXPECT_TRUE(rig_.RunUntilOpen(seconds(10) + 12 * takes));
    rig_.Run(minutes(2));
    EXPECT_FALSE(rig_.on_disk_.holds.blind.has_value());
    EXPECT_TRUE(policy().gate_open());
    rig_.sync_takes_ = milliseconds(0);
    rig_.Free(rig_.foreign_);
  }
}

TEST_F(SpacePolicyTest, ASyncThatNeverEndsLeavesTheVolumeBlind) {
  rig_.MakeReady();
  rig_.sync_takes_ = milliseconds(1500);
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(60)));
  rig_.sync_takes_ = minutes(60);
  EXPECT_TRUE(rig_.RunUntil([&] { return rig_.on_disk_.holds.blind.has_value(); }, minutes(2)));
  EXPECT_FALSE(policy().gate_open());
}

}  // namespace
}  // namespace tidemark::monitor
