// Who may speak: messages before a Hello, of a dead session, or of an SPU that was replaced; and
// what silence costs.
#include <gmock/gmock.h>

#include "tests/sc/core/controller_core_fixture.h"
#include "tests/support/status_matchers.h"

namespace tidemark::sc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class FenceTest : public ControllerCoreTest {
 protected:
  const SpuState& Spu() const { return simulator_.core().spus().at("spu-a"); }
  v1::AttachRequest HelloOf(std::uint8_t uuid) {
    v1::AttachRequest hello = LastSent(v1::AttachRequest::kHello);
    hello.mutable_hello()->set_spu_uuid(base::Uuid({uuid}).ToBytes());
    hello.mutable_hello()->set_boot_count(100);  // of its own
    hello.mutable_hello()->clear_volumes();
    return hello;
  }
  void Attach(std::uint8_t uuid) {
    simulator_.Inject(HelloOf(uuid), true, /*half_open=*/true);
    while (simulator_.DeliverToController()) {
    }
  }
  void CommitAll() {
    while (simulator_.Commit()) {
    }
  }
  bool IsSpu(std::uint8_t uuid) const { return Spu().record.uuid == base::Uuid({uuid}); }
};

TEST_F(FenceTest, AMessageBeforeItsHelloIsToldSo) {
  for (const char* kind : {"report", "ack", "progress", "heartbeat", "goodbye"}) {
    const std::uint64_t before = Refused("no hello");
    v1::AttachRequest early;
    if (kind == std::string("report")) early = LastSent(v1::AttachRequest::kReport);
    if (kind == std::string("ack")) early.mutable_assignments_ack()->set_session(1);
    if (kind == std::string("progress")) early.mutable_progress()->set_session(1);
    if (kind == std::string("heartbeat")) early.mutable_heartbeat()->set_session(1);
    if (kind == std::string("goodbye")) early.mutable_goodbye()->set_session(1);
    simulator_.Inject(early, true);
    simulator_.Settle(std::chrono::milliseconds(250));
    EXPECT_EQ(Refused("no hello"), before + 1) << kind;
  }
  EXPECT_EQ(Refused("stale session"), 0u);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

TEST_F(FenceTest, AMessageBeforeTheWelcomeIsToldSo) {
  simulator_.CutStream();
  while (!Spu().session.has_value()) PassWithoutCommits(std::chrono::milliseconds(250));
  ASSERT_FALSE(Spu().session->live);
  v1::AttachRequest early;
  early.mutable_heartbeat()->set_session(LiveSession().value());
  Deliver(early);
  EXPECT_EQ(Refused("not ready"), 1u);
}

TEST_F(FenceTest, AGoodbyeOfAnotherSessionIsRefused) {
  v1::AttachRequest goodbye;
  goodbye.mutable_goodbye()->set_session(LiveSession().value() + 7);
  const base::SessionId live = LiveSession();
  Deliver(goodbye);
  EXPECT_EQ(Refused("stale session"), 1u);
  EXPECT_EQ(LiveSession(), live);
}

TEST_F(FenceTest, AStreamThatNeverSaysHelloIsCut) {
  simulator_.OpenSilentStream();
  simulator_.Settle(std::chrono::seconds(25));
  EXPECT_EQ(simulator_.streams(), 2u);
  simulator_.Settle(std::chrono::seconds(10));
  EXPECT_EQ(simulator_.streams(), 1u) << "ten leases without a Hello";
  EXPECT_EQ(Refused("no hello"), 1u);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

TEST_F(FenceTest, ProgressAcknowledgementAndHeartbeatOfADeadSessionChangeNothing) {
  const std::uint64_t dead = LiveSession().value();
  simulator_.CutStream();
  simulator_.Settle(kLong);
  ASSERT_GT(LiveSession().value(), dead);

  v1::AttachRequest progress;
  progress.mutable_progress()->set_session(dead);
  progress.mutable_progress()->add_partitions()->set_partition_id(1);
  progress.mutable_progress()->mutable_partitions(0)->set_durable_end(777);
  Deliver(progress);
  EXPECT_FALSE(Spu().progress.contains(base::PartitionId(1)));

  v1::AttachRequest ack;
  ack.mutable_assignments_ack()->set_session(dead);
  ack.mutable_assignments_ack()->set_version(99);
  Deliver(ack);
  EXPECT_LT(Spu().session->assignments_acked, 99u);

  const base::MonotonicTime contact = Spu().session->last_contact;
  simulator_.Advance(std::chrono::seconds(1));
  v1::AttachRequest heartbeat;
  heartbeat.mutable_heartbeat()->set_session(dead);
  Deliver(heartbeat);
  EXPECT_EQ(Spu().session->last_contact, contact);
  EXPECT_EQ(Refused("stale session"), 3u);
}

TEST_F(FenceTest, TenLeasesOfSilenceEndTheSession) {
  const base::SessionId live = LiveSession();
  for (int second = 0; second < 28; ++second) {
    simulator_.Advance(std::chrono::seconds(1));
    simulator_.Tick();
    simulator_.LoseRequests();
  }
  EXPECT_EQ(LiveSession(), live) << "a late heartbeat may still bring it back";
  for (int second = 0; second < 4; ++second) {
    simulator_.Advance(std::chrono::seconds(1));
    simulator_.Tick();
    simulator_.LoseRequests();
  }
  EXPECT_FALSE(Spu().session.has_value());
  while (simulator_.Commit()) {
  }
  EXPECT_EQ(simulator_.CountEvents("session.lost", "silent for"), 1u);
}

TEST_F(FenceTest, AStoreThatDoesNotAnswerForALeaseTakesTheVolumeOffUp) {
  simulator_.Do(simulator_.spu().ChangeMarks(simulator_.volume(0), simulator_.now()));
  PassWithoutCommits(std::chrono::seconds(2));
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE) << "a slow disk is no failed one";
  PassWithoutCommits(std::chrono::seconds(2));
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_LEADER_OFFLINE);
  EXPECT_THAT(simulator_.Verdict(0).reason, HasSubstr("has not answered for more than"));
  EXPECT_EQ(simulator_.Status(1), v1::PARTITION_STATUS_ONLINE) << "it has nothing to store";
  CommitAll();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

TEST_F(FenceTest, AReplaceIsUsedUpByOneTakeover) {
  simulator_.CutStream();
  ASSERT_OK(simulator_.AllowReplace());
  CommitAll();
  Attach(0x71);
  CommitAll();
  EXPECT_TRUE(IsSpu(0x71));
  Attach(0x72);
  CommitAll();
  EXPECT_TRUE(IsSpu(0x71));
  EXPECT_EQ(Refused("unknown uuid"), 1u);
}

TEST_F(FenceTest, AReplaceThatIsStoredLateLetsNoThirdMachineIn) {
  simulator_.CutStream();
  ASSERT_OK(simulator_.AllowReplace());
  CommitAll();
  ASSERT_OK(simulator_.AllowReplace());  // on its way to the store
  Attach(0x71);
  CommitAll();
  ASSERT_TRUE(IsSpu(0x71));
  Attach(0x72);
  CommitAll();
  EXPECT_TRUE(IsSpu(0x71));
}

TEST_F(FenceTest, WhatIsAttachedIsNotReplaced) {
  EXPECT_THAT(simulator_.AllowReplace(),
              support::StatusIs(absl::StatusCode::kFailedPrecondition,
                                AllOf(HasSubstr("'spu-a' refused: it is attached"),
                                      HasSubstr("stop it first"), HasSubstr("30.0s"))));
  CommitAll();
  Attach(0x71);
  CommitAll();
  EXPECT_FALSE(IsSpu(0x71));
}

TEST_F(FenceTest, ASilentMachineIsReplacedWhenItsSessionHasEnded) {
  while (Spu().session.has_value()) {
    EXPECT_THAT(simulator_.AllowReplace(),
                support::StatusIs(absl::StatusCode::kFailedPrecondition));
    simulator_.Advance(std::chrono::seconds(1));
    simulator_.Tick();
    simulator_.LoseRequests();
  }
  EXPECT_OK(simulator_.AllowReplace());
}

// Stored before the old machine attaches again, or still on its way then.
TEST_F(FenceTest, AMachineThatAttachesAgainWithdrawsItsReplace) {
  for (const bool stored : {true, false}) {
    simulator_.CutStream();
    ASSERT_OK(simulator_.AllowReplace());
    if (stored) CommitAll();
    v1::AttachRequest again = LastSent(v1::AttachRequest::kHello);
    again.mutable_hello()->set_attempt(again.hello().attempt() + 50);
    simulator_.Inject(again, true, /*half_open=*/true);
    while (simulator_.DeliverToController()) {
    }
    CommitAll();
    ASSERT_TRUE(Spu().session.has_value()) << stored;
    EXPECT_FALSE(Spu().record.replace_allowed) << stored;
    simulator_.RestartController();
    EXPECT_FALSE(Spu().record.replace_allowed) << stored;
    Attach(0x71);
    CommitAll();
    EXPECT_FALSE(IsSpu(0x71)) << stored;
    EXPECT_EQ(simulator_.CountEvents("spu.replace_withdrawn", "attached again"), 1u);
    simulator_.Settle(kLong);
  }
}

TEST_F(FenceTest, ASecondMachineIsToldOfReplaceOnlyWhenTheFirstIsGone) {
  Attach(0x71);
  CommitAll();
  EXPECT_EQ(simulator_.CountEvents("hello.refused", "give this one another id"), 1u);
  EXPECT_EQ(simulator_.CountEvents("hello.refused", "tidemark spu replace"), 0u);
  simulator_.CutStream();
  simulator_.Advance(std::chrono::hours(1));  // not the same refusal again
  Attach(0x72);
  CommitAll();
  EXPECT_EQ(simulator_.CountEvents("hello.refused", "tidemark spu replace spu-a"), 1u);
}

}  // namespace
}  // namespace tidemark::sc
