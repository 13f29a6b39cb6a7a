// What a start makes of the record, the reserve and what is known of them elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/space_policy.h"
#include "tests/monitor/space_policy_fixture.h"

namespace tidemark::monitor {
namespace {

using base::kMiB;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(SpacePolicyTest, OpensAtBootWithoutAProofOnceRoomAndOneReadingAreThere) {
  rig_.MakeReady();
  EXPECT_FALSE(policy().gate_open());
  rig_.AnswerReading();
  EXPECT_FALSE(policy().gate_open());
  rig_.AnswerVerify();
  EXPECT_TRUE(policy().gate_open());
  EXPECT_FALSE(rig_.persisting_);
  EXPECT_EQ(rig_.on_disk_.generation, base::Generation(1));
}

TEST_F(SpacePolicyTest, AtBootRoomAloneOpensNothing) {
  rig_.MakeReady();
  rig_.AnswerVerify();
  EXPECT_FALSE(policy().gate_open());
  rig_.AnswerReadingWith(ReadingFault{ReadingFaultKind::kNoTotal, "0 blocks"});
  EXPECT_FALSE(policy().gate_open());
}

TEST_F(SpacePolicyTest, MarksChangedOverARestartWaitForTheRoomToo) {
  rig_.MakeReady();
  rig_.marks_.low_bytes += kMiB;
  rig_.reserve_damaged_ = true;
  rig_.Boot();
  rig_.AnswerReading();
  EXPECT_FALSE(rig_.persisting_);  // would say "no holds"
  rig_.AnswerVerify();
  ASSERT_TRUE(rig_.persisting_);
  EXPECT_TRUE(rig_.persisting_->holds.space->unproven);
  EXPECT_EQ(rig_.persisting_->marks_set_by, "configuration");
}

TEST_F(SpacePolicyTest, AHoldInTheRecordIsInForceBeforeTheFirstReading) {
  BecomeFull();
  rig_.Free(100 * kMiB);
  rig_.Boot();
  EXPECT_TRUE(policy().wanted_holds().space);
  EXPECT_THAT(Explain().summary, HasSubstr("space(episode 1"));
  EXPECT_EQ(rig_.reports_.back().record.generation, base::Generation(2));
  const base::MonotonicTime booted = rig_.now();
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(10)));
  EXPECT_GE(rig_.now() - booted, rig_.options_.settle);
}

TEST_F(SpacePolicyTest, RestartInsideTheGapStaysFull) {
  BecomeFull();
  rig_.Free(rig_.marks().gap_bytes() / 2);
  for (int i = 0; i < 5; ++i) {
    rig_.Boot();
    rig_.Run(minutes(1));
    EXPECT_FALSE(policy().gate_open());
  }
  EXPECT_EQ(durable().space->episode, base::Episode(1));
}

TEST_F(SpacePolicyTest, BootWithoutTheReserveIsUnproven) {
  rig_.MakeReady();
  rig_.reserve_damaged_ = true;
  rig_.Boot();
  rig_.AnswerReading();
  rig_.AnswerVerify();
  EXPECT_FALSE(policy().gate_open());
  ASSERT_TRUE(policy().wanted_holds().space);
  EXPECT_TRUE(policy().wanted_holds().space->unproven);
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(10)));
  EXPECT_EQ(rig_.reserve_, rig_.marks().reserve_bytes);
}

TEST_F(SpacePolicyTest, AnUnreadableSlotIsSpaceUnprovenAtTwoGenerationsMore) {
  rig_.MakeReady();
  rig_.Boot(/*slot_unreadable=*/true);
  ASSERT_TRUE(rig_.persisting_);
  EXPECT_EQ(rig_.persisting_->generation, base::Generation(3));
  EXPECT_TRUE(rig_.persisting_->holds.space->unproven);
  EXPECT_EQ(rig_.persisting_->holds.space->episode, base::Episode(1));
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(10)));
}

TEST_F(SpacePolicyTest, AGenerationAboveOursElsewhereMeansWeWereWiped) {
  BecomeReady();
  rig_.Do(event::KnownElsewhere{base::Generation(0), base::Episode(0)});
  EXPECT_TRUE(policy().gate_open());
  rig_.Do(event::KnownElsewhere{base::Generation(41), base::Episode(9)});
  EXPECT_FALSE(policy().gate_open());
  ASSERT_TRUE(rig_.persisting_);
  EXPECT_EQ(rig_.persisting_->generation, base::Generation(42));
  EXPECT_EQ(rig_.persisting_->holds.space->episode, base::Episode(10));
  EXPECT_TRUE(rig_.persisting_->holds.space->unproven);
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(10)));
}

// What held it then may have been a quota: readings show nothing of one, and the reserve is there.
TEST_F(SpacePolicyTest, WhatIsKnownElsewhereIsProvenByTakingTheGapForReal) {
  BecomeReady();
  rig_.Do(event::KnownElsewhere{base::Generation(41), base::Episode(9)});
  ExpectAQuotaKeepsItClosed();
}

TEST_F(SpacePolicyTest, OurGenerationElsewhereWithAnotherContentMeansWeWereRolledBack) {
  BecomeReady();
  rig_.Do(event::KnownElsewhere{base::Generation(1), base::Episode(4)});
  EXPECT_FALSE(policy().gate_open());
  ASSERT_TRUE(rig_.persisting_);
  EXPECT_EQ(rig_.persisting_->generation, base::Generation(2));
  EXPECT_EQ(rig_.persisting_->holds.space->episode, base::Episode(5));
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(10)));
}

TEST_F(SpacePolicyTest, AnEpisodeWeNeverHadElsewhereRenumbersTheOpenOne) {
  BecomeFull();
  rig_.Do(event::KnownElsewhere{base::Generation(1), base::Episode(6)});
  ASSERT_TRUE(rig_.persisting_);
  EXPECT_EQ(rig_.persisting_->holds.space->episode, base::Episode(7));
  EXPECT_EQ(rig_.persisting_->episode, base::Episode(7));
}

TEST_F(SpacePolicyTest, AWipedFreshVolumeProvesToo) {
  rig_.Boot();
  rig_.Do(event::KnownElsewhere{base::Generation(7), base::Episode(0)});
  rig_.AnswerVerify();
  ASSERT_TRUE(rig_.persisting_);
  EXPECT_EQ(rig_.persisting_->generation, base::Generation(8));
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(10)));
}

TEST_F(SpacePolicyTest, AlreadyHeldAWipeStillMovesTheGeneration) {
  BecomeFull();
  rig_.Do(event::KnownElsewhere{base::Generation(7), base::Episode(0)});
  ASSERT_TRUE(rig_.persisting_);
  EXPECT_EQ(rig_.persisting_->generation, base::Generation(8));
  rig_.AnswerPersist();
  rig_.Do(event::KnownElsewhere{base::Generation(9), base::Episode(0)});
  ASSERT_TRUE(rig_.persisting_);
  EXPECT_EQ(rig_.persisting_->generation, base::Generation(10));
}

TEST_F(SpacePolicyTest, AFreshVolumeTakesItsRoomAndOpensWithoutAnEpisode) {
  rig_.Boot();
  EXPECT_FALSE(policy().has_report());
  EXPECT_TRUE(Explain().provisioning);
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(1)));
  EXPECT_EQ(rig_.reserve_, rig_.marks().reserve_bytes);
  EXPECT_EQ(rig_.on_disk_.generation, base::Generation(1));
  EXPECT_EQ(rig_.on_disk_.episode, base::Episode(0));
  EXPECT_THAT(rig_.trace_, ElementsAre("take room", "persist ready", "open", "report 1"));
}

TEST_F(SpacePolicyTest, AFirstStartOnATooFullDiskStaysUpAndNamesTheBytesItNeeds) {
  rig_.Fill(rig_.marks().full_bytes);
  rig_.Boot();
  rig_.Run(minutes(5));
  EXPECT_FALSE(policy().gate_open());
  EXPECT_EQ(rig_.on_disk_.generation, base::Generation(0));
  EXPECT_THAT(rig_.trace_, IsEmpty());
  EXPECT_EQ(Explain().proof_failure->bytes_short,
            rig_.marks().gap_bytes() + rig_.marks().reserve_bytes);
  EXPECT_THAT(Explain().summary, HasSubstr("first start"));
  rig_.Free(100 * kMiB);
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(5)));
}

TEST_F(SpacePolicyTest, AFreshVolumeHeldByAnOperatorTakesItsRoomBeforeItOpens) {
  rig_.Boot();
  rig_.Do(event::OperatorHolds{"anna", "not yet"});
  rig_.AnswerPersist();
  rig_.Do(event::OperatorReleases{"anna"});
  EXPECT_FALSE(rig_.persisting_);  // no room is held yet
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(5)));
  EXPECT_EQ(rig_.reserve_, rig_.marks().reserve_bytes);
}

TEST_F(SpacePolicyTest, AFreshVolumeWithoutRoomIsNotToldHeldByAnOperatorWhoReleasedIt) {
  rig_.Fill(rig_.marks().full_bytes);
  rig_.Boot();
  rig_.Do(event::OperatorHolds{"anna", "not yet"});
  rig_.AnswerPersist();
  rig_.Run(seconds(5));
  EXPECT_TRUE(rig_.on_disk_.holds.operator_hold.has_value());
  EXPECT_FALSE(rig_.on_disk_.holds.space.has_value());
  rig_.Do(event::OperatorReleases{"anna"});
  rig_.Run(seconds(15));
  EXPECT_FALSE(rig_.on_disk_.holds.operator_hold.has_value());
  ASSERT_TRUE(rig_.on_disk_.holds.space.has_value());
  EXPECT_EQ(rig_.on_disk_.holds.space->cause, SpaceCause::kBytes);
  EXPECT_THAT(Explain().episode_began, HasSubstr("first start"));
  EXPECT_FALSE(policy().gate_open());
  rig_.Free(100 * kMiB);
  EXPECT_TRUE(rig_.RunUntilOpen(seconds(30)));
  EXPECT_EQ(rig_.reserve_, rig_.marks().reserve_bytes);
  EXPECT_TRUE(rig_.on_disk_.last_proof.has_value());
}

TEST_F(SpacePolicyTest, AnEpisodeFromBeforeTheStartIsProvenByTakingTheGapForReal) {
  rig_.MakeReady();
  ASSERT_TRUE(rig_.RunUntilOpen(seconds(5)));
  rig_.Do(event::AllocationFailed{SpaceCause::kBytes, "fallocate: ENOSPC"});  // no reading shows it
  rig_.AnswerPersist();
  ASSERT_TRUE(rig_.on_disk_.holds.space.has_value());
  rig_.Boot();
  ExpectAQuotaKeepsItClosed();
}

}  // namespace
}  // namespace tidemark::monitor
