#include "spu/core/link_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/spu/core/link_core_fixture.h"
#include "tests/support/report_builder.h"

namespace tidemark::spu {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::VolumeUuid;
using ::testing::HasSubstr;

TEST_F(LinkCoreTest, HelloIsFirstOnEveryStreamAndItsAttemptGrows) {
  for (std::uint64_t attempt = 1; attempt < 5; ++attempt) {
    effects_.clear();
    Tick(seconds(6));
    ASSERT_EQ(All<OpenStream>().size(), 1u);
    EXPECT_EQ(LastHello().attempt(), attempt);
    EXPECT_EQ(LastHello().boot_count(), 3u);
    Take(link_.StreamClosed(stream_, "cut", now_));
  }
}

TEST_F(LinkCoreTest, WaitsLongerAfterEachFailureAndNeverMoreThanHalfALease) {
  base::Duration longest{0};
  for (int i = 0; i < 40; ++i) {
    Tick(link_.NextTick() - now_);
    Take(link_.StreamClosed(stream_, "refused", now_));
    const base::Duration wait = link_.NextTick() - now_;
    EXPECT_GT(wait, base::Duration(0));
    EXPECT_LE(wait, milliseconds(1500));
    longest = std::max(longest, wait);
  }
  EXPECT_GT(longest, seconds(1));
  EXPECT_EQ(All<OpenStream>().size(), 40u);
}

TEST_F(LinkCoreTest, WaitsLongerForAControllerThatHasTakenTheCall) {
  const auto wait = [&](bool taken, LinkStreamId stream) {
    Tick(link_.NextTick() - now_);
    if (taken) link_.StreamTaken(stream.value() == 0 ? stream_ : stream);
    const base::MonotonicTime opened = now_;
    Tick(link_.NextTick() - now_);
    EXPECT_FALSE(All<CloseLinkStream>().empty());
    effects_.clear();
    return now_ - opened;
  };
  EXPECT_EQ(wait(false, {}), base::Duration(milliseconds(2500)));
  EXPECT_EQ(wait(true, {}), base::Duration(seconds(15)));
  EXPECT_EQ(wait(false, {}), base::Duration(milliseconds(2500)));
  EXPECT_EQ(wait(true, LinkStreamId(1)), base::Duration(milliseconds(2500))) << "an older stream";
}

TEST_F(LinkCoreTest, AMereWelcomeDoesNotResetTheBackoff) {
  base::Duration longest{0};
  for (int i = 0; i < 40; ++i) {
    Tick(link_.NextTick() - now_);
    Receive(Welcome());
    Take(link_.StreamClosed(stream_, "thrown out", now_));
    longest = std::max(longest, link_.NextTick() - now_);
  }
  EXPECT_GT(longest, seconds(1));
}

// The controller is back, but the try that was under way is lost: half-open.
TEST_F(LinkCoreTest, ALostTryAndTheWaitAfterItTakeALeaseAndASecondAtMost) {
  for (const base::Duration lease :
       {base::Duration(milliseconds(300)), base::Duration(seconds(1)), base::Duration(seconds(3)),
        base::Duration(seconds(5)), base::Duration(seconds(60))}) {
    SCOPED_TRACE(lease / milliseconds(1));
    Tick(link_.NextTick() - now_);
    sc::v1::AttachResponse welcome = Welcome();
    welcome.mutable_welcome()->set_lease_ms(lease / milliseconds(1));
    Receive(welcome);
    ASSERT_TRUE(link_.attached());
    Take(link_.StreamClosed(stream_, "cut", now_));
    base::Duration longest{0};
    for (int i = 0; i < 40; ++i) {
      Tick(link_.NextTick() - now_);  // opens a stream that nobody answers
      const base::MonotonicTime opened = now_;
      const std::size_t closed = All<CloseLinkStream>().size();
      Tick(link_.NextTick() - now_);
      ASSERT_EQ(All<CloseLinkStream>().size(), closed + 1);
      longest = std::max(longest, link_.NextTick() - opened);
    }
    EXPECT_LE(longest, lease + seconds(1));
    EXPECT_GT(longest, std::min(lease, base::Duration(seconds(5))));
  }
}

TEST_F(LinkCoreTest, AStaleAttemptIsRaisedAboveTheNewest) {
  Tick();
  Receive(Nack(sc::v1::NACK_REASON_STALE_ATTEMPT, 41));
  Tick(seconds(6));
  EXPECT_EQ(LastHello().attempt(), 42u);
}

TEST_F(LinkCoreTest, SupersededExitsWith78AndTriesNoMore) {
  Tick();
  Receive(Nack(sc::v1::NACK_REASON_SUPERSEDED));
  ASSERT_EQ(All<ExitProcess>().size(), 1u);
  EXPECT_EQ(All<ExitProcess>()[0].code, 78);
  effects_.clear();
  Tick(seconds(60));
  EXPECT_TRUE(effects_.empty());
}

// The same disks or the same identity twice: what this one writes is no part of the log.
TEST_F(LinkCoreTest, WhoHasNotItsPlaceIsFencedDurablyUntilItIsTakenIn) {
  for (const auto reason : {sc::v1::NACK_REASON_UNKNOWN_UUID, sc::v1::NACK_REASON_FOREIGN_VOLUME}) {
    SCOPED_TRACE(reason);
    effects_.clear();
    Tick(seconds(6));
    Receive(Nack(reason));
    ASSERT_EQ(All<Fence>().size(), 1u);
    EXPECT_FALSE(All<Fence>()[0].why.empty());
    ASSERT_EQ(All<PersistIdentity>().size(), 1u);
    EXPECT_TRUE(All<PersistIdentity>()[0].identity.fenced);
    EXPECT_TRUE(std::holds_alternative<PersistIdentity>(effects_.back()))
        << "the close of the stream must not go with a write that fails";

    Tick(seconds(6));
    Receive(Nack(reason));
    EXPECT_EQ(All<PersistIdentity>().size(), 1u) << "once is enough";

    effects_.clear();
    Tick(seconds(6));
    Receive(Welcome());
    ASSERT_EQ(All<Fence>().size(), 1u);
    EXPECT_TRUE(All<Fence>()[0].why.empty());
    EXPECT_FALSE(link_.identity().fenced);
    Take(link_.StreamClosed(stream_, "cut", now_));
  }
}

// The effect that lifts it is dropped with a write that fails.
TEST_F(LinkCoreTest, AFenceIsLiftedThoughTheFirstLiftCouldNotBeKept) {
  Tick(seconds(6));
  Receive(Nack(sc::v1::NACK_REASON_UNKNOWN_UUID));
  Tick(seconds(6));
  Receive(Welcome());
  Take(link_.IdentityNotPersisted("no space left", now_));
  EXPECT_TRUE(link_.identity().fenced);
  effects_.clear();
  Tick(seconds(6));
  Receive(Welcome(8));
  ASSERT_EQ(All<PersistIdentity>().size(), 1u);
  EXPECT_FALSE(All<PersistIdentity>()[0].identity.fenced);
  ASSERT_EQ(All<Fence>().size(), 1u);
  EXPECT_TRUE(All<Fence>()[0].why.empty());
}

// A write that failed may have reached the disk: the SC's last word is written all the same.
TEST_F(LinkCoreTest, WhatIsOnTheDiskAfterAFailedWriteIsWrittenOver) {
  Attach();
  Take(link_.StreamClosed(stream_, "cut", now_));
  Tick(seconds(6));
  Receive(Nack(sc::v1::NACK_REASON_UNKNOWN_UUID));
  Take(link_.IdentityNotPersisted("input/output error", now_));
  effects_.clear();
  Tick(seconds(6));
  Receive(Welcome(8));
  ASSERT_EQ(All<PersistIdentity>().size(), 1u);
  EXPECT_FALSE(All<PersistIdentity>()[0].identity.fenced);
}

TEST_F(LinkCoreTest, AFenceThatWasNotKeptIsWrittenAgainAndLiftedAllTheSame) {
  Tick(seconds(6));
  Receive(Nack(sc::v1::NACK_REASON_UNKNOWN_UUID));
  Take(link_.IdentityNotPersisted("no space left", now_));
  Tick(seconds(6));
  Receive(Nack(sc::v1::NACK_REASON_UNKNOWN_UUID));
  EXPECT_EQ(All<PersistIdentity>().size(), 2u);
  Take(link_.IdentityNotPersisted("no space left", now_));
  effects_.clear();
  Tick(seconds(6));
  Receive(Welcome());
  ASSERT_EQ(All<Fence>().size(), 1u);
  EXPECT_TRUE(All<Fence>()[0].why.empty());
}

// Not our controller, or not our language: it is as if ours were away.
TEST_F(LinkCoreTest, AForeignControllerDoesNotStopAppends) {
  for (const auto reason : {sc::v1::NACK_REASON_WRONG_CLUSTER, sc::v1::NACK_REASON_BAD_HELLO,
                            sc::v1::NACK_REASON_STORE_FAILED, sc::v1::NACK_REASON_NOT_READY}) {
    Tick(seconds(6));
    Receive(Nack(reason));
  }
  EXPECT_TRUE(All<Fence>().empty());
  EXPECT_FALSE(link_.identity().fenced);
}

TEST_F(LinkCoreTest, TheFirstClusterIsOursForGood) {
  Attach();
  ASSERT_EQ(All<PersistIdentity>().size(), 1u);
  EXPECT_EQ(All<PersistIdentity>()[0].identity.cluster_id, kCluster);
  Take(link_.StreamClosed(stream_, "cut", now_));
  Tick(seconds(6));
  EXPECT_EQ(LastHello().cluster_id(), kCluster.ToBytes());
  sc::v1::AttachResponse foreign = Welcome(8);
  foreign.mutable_welcome()->set_cluster_id(base::Uuid({0xdd}).ToBytes());
  Receive(foreign);
  EXPECT_FALSE(link_.attached());
  ASSERT_EQ(All<Complain>().size(), 1u);
  EXPECT_THAT(All<Complain>()[0].what, HasSubstr("cluster"));
  EXPECT_EQ(All<PersistIdentity>().size(), 1u);
}

TEST_F(LinkCoreTest, AnOlderStoreEpochIsRefusedAndAHigherOneIsKept) {
  Attach();
  Take(link_.StreamClosed(stream_, "cut", now_));
  Tick(seconds(6));
  sc::v1::AttachResponse restored = Welcome(8);
  restored.mutable_welcome()->set_store_epoch(2);
  Receive(restored);
  EXPECT_TRUE(link_.attached());
  EXPECT_EQ(link_.identity().store_epoch, 2u);
  Take(link_.StreamClosed(stream_, "cut", now_));
  Tick(seconds(6));
  Receive(Welcome(9));
  EXPECT_FALSE(link_.attached());
  EXPECT_THAT(All<Complain>().back().what, HasSubstr("epoch 1"));
}

TEST_F(LinkCoreTest, AnIdentityThatCannotBeKeptIsNotFollowed) {
  Attach();
  Take(link_.IdentityNotPersisted("no space left", now_));
  EXPECT_FALSE(link_.attached());
  EXPECT_TRUE(link_.identity().cluster_id.nil());
  EXPECT_EQ(link_.identity().boot_count, 3u);
}

TEST_F(LinkCoreTest, AWelcomeToAnotherHelloIsNoWelcome) {
  Tick();
  for (int field = 0; field < 3; ++field) {
    sc::v1::AttachResponse other = Welcome();
    if (field == 0) other.mutable_welcome()->set_attempt(77);
    if (field == 1) other.mutable_welcome()->set_boot_count(77);
    if (field == 2) other.mutable_welcome()->set_boot_nonce(77);
    Receive(other);
    EXPECT_FALSE(link_.attached());
  }
  Receive(Welcome());
  EXPECT_TRUE(link_.attached());
}

TEST_F(LinkCoreTest, ASilentControllerIsLeftAndTheSpuGoesOn) {
  Attach();
  sc::v1::AttachResponse heartbeat;
  heartbeat.mutable_heartbeat()->set_session(7);
  for (int i = 0; i < 5; ++i) {
    Tick(seconds(1));
    Receive(heartbeat);
  }
  EXPECT_TRUE(link_.attached());
  Tick(seconds(3));
  EXPECT_FALSE(link_.attached());
  EXPECT_EQ(All<CloseLinkStream>().size(), 1u);
}

TEST_F(LinkCoreTest, AGreetingThatIsNotAnsweredIsGivenUp) {
  Tick();
  Tick(seconds(5));
  EXPECT_EQ(All<CloseLinkStream>().size(), 1u);
}

TEST_F(LinkCoreTest, MessagesOfAnEndedStreamAreVoid) {
  Tick();
  const LinkStreamId old = stream_;
  const sc::v1::AttachResponse welcome = Welcome();
  Take(link_.StreamClosed(stream_, "cut", now_));
  Tick(seconds(6));
  Take(link_.Receive(old, welcome, now_));
  Take(link_.StreamClosed(old, "again", now_));
  EXPECT_FALSE(link_.attached());
  Receive(Welcome());
  EXPECT_TRUE(link_.attached());
}

TEST_F(LinkCoreTest, AssignmentsOfThisSessionOnlyAreApplied) {
  Attach();
  sc::v1::AttachResponse message;
  message.mutable_assignments()->set_session(6);
  Receive(message);
  EXPECT_TRUE(All<ApplyAssignments>().empty());
  message.mutable_assignments()->set_session(7);
  Receive(message);
  EXPECT_EQ(All<ApplyAssignments>().size(), 1u);
  Take(link_.AcknowledgeAssignments({}));
  EXPECT_EQ(All<SendMessage>().back().message.assignments_ack().session(), 7u);
}

TEST_F(LinkCoreTest, AVolumeAddedLaterNeedsANewHello) {
  Attach();
  Take(link_.AddVolume(VolumeUuid(2), "/w", now_));
  EXPECT_FALSE(link_.attached());
  Tick(seconds(6));
  EXPECT_EQ(LastHello().volumes_size(), 2);
}

TEST_F(LinkCoreTest, StopSaysGoodbyeAndEndsForGood) {
  Attach();
  effects_.clear();
  Take(link_.Stop());
  ASSERT_GE(effects_.size(), 2u);
  EXPECT_EQ(All<SendMessage>()[0].message.goodbye().session(), 7u);
  effects_.clear();
  Tick(seconds(60));
  EXPECT_TRUE(effects_.empty());
}

}  // namespace
}  // namespace tidemark::spu
