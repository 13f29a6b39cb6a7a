#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sc/core/controller_core.h"
#include "tests/sc/core/controller_core_fixture.h"

namespace tidemark::sc {
namespace {

using ::testing::HasSubstr;

TEST_F(ControllerCoreTest, AStaleHelloCannotCutTheLiveSession) {
  const base::SessionId live = LiveSession();
  simulator_.Inject(LastSent(v1::AttachRequest::kHello), true);
  simulator_.Settle();
  EXPECT_EQ(LiveSession(), live);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
  EXPECT_EQ(Refused("stale attempt"), 1u);
  EXPECT_EQ(simulator_.CountEvents("hello.refused", "stale attempt"), 1u);
}

TEST_F(ControllerCoreTest, ASecondHelloOnTheSameStreamIsRefusedAndTheSessionLivesOn) {
  v1::AttachRequest hello = LastSent(v1::AttachRequest::kHello);
  hello.mutable_hello()->set_attempt(99);
  simulator_.Inject(hello, false);
  simulator_.Settle(std::chrono::milliseconds(1));
  EXPECT_EQ(simulator_.core().spus().at("spu-a").record.attempt, 1u);
  EXPECT_EQ(Refused("bad hello"), 1u);
  // What ends the session is the SPU's answer to the refusal, not the Hello.
  EXPECT_EQ(simulator_.CountEvents("session.lost", "newer Hello"), 0u);
  EXPECT_EQ(simulator_.CountEvents("message.refused", "second Hello"), 1u);
}

TEST_F(ControllerCoreTest, ACloneAndARolledBackSpuAreSuperseded) {
  const base::SessionId live = LiveSession();
  v1::AttachRequest clone = LastSent(v1::AttachRequest::kHello);
  clone.mutable_hello()->set_boot_nonce(clone.hello().boot_nonce() + 1);
  clone.mutable_hello()->set_attempt(50);
  simulator_.Inject(clone, true);
  simulator_.RestartSpu();
  simulator_.Settle(kLong);
  EXPECT_GT(LiveSession(), live);
  const base::SessionId second = LiveSession();
  v1::AttachRequest rolled_back = clone;  // boot 1, while boot 2 is live
  simulator_.Inject(rolled_back, true);
  simulator_.Settle();
  EXPECT_EQ(LiveSession(), second);
  EXPECT_GE(Refused("superseded"), 1u);
}

TEST_F(ControllerCoreTest, AnotherUuidForAKnownIdIsRefused) {
  v1::AttachRequest other = LastSent(v1::AttachRequest::kHello);
  other.mutable_hello()->set_spu_uuid(base::Uuid({0x77}).ToBytes());
  other.mutable_hello()->clear_volumes();
  simulator_.Inject(other, true);
  simulator_.Settle();
  EXPECT_EQ(Refused("unknown uuid"), 1u);
  EXPECT_EQ(simulator_.CountEvents("hello.refused", "SPU 'spu-a' is "), 1u);
}

TEST_F(ControllerCoreTest, AForeignClusterAVolumeOfAnotherSpuAndABadHelloAreRefused) {
  struct {
    const char* reason;
    void (*spoil)(v1::Hello&);
  } const kCases[] = {
      {"wrong cluster", [](v1::Hello& h) { h.set_cluster_id(base::Uuid({1}).ToBytes()); }},
      {"wrong cluster", [](v1::Hello& h) { h.set_store_epoch(2); }},
      {"foreign volume",
       [](v1::Hello& h) {
         h.set_spu_id("spu-b");
         h.set_spu_uuid(base::Uuid({0x66}).ToBytes());
       }},
      {"bad hello", [](v1::Hello& h) { h.set_spu_id("../x"); }},
      {"bad hello", [](v1::Hello& h) { h.set_spu_uuid("short"); }},
      {"bad hello", [](v1::Hello& h) { *h.add_volumes() = h.volumes(0); }},
      {"bad hello", [](v1::Hello& h) { h.set_version(std::string(129, 'v')); }},
      {"bad hello", [](v1::Hello& h) { h.set_grpc_endpoint(std::string(513, 'e')); }},
      {"bad hello", [](v1::Hello& h) { h.set_http_endpoint(std::string(513, 'e')); }},
      {"bad hello", [](v1::Hello& h) { h.mutable_volumes(0)->set_path(std::string(4097, 'p')); }},
      {"bad hello",
       [](v1::Hello& h) {
         for (int i = 0; i < 1024; ++i) h.add_volumes()->set_uuid(base::Uuid::Random().ToBytes());
       }},
      {"bad hello",
       [](v1::Hello& h) {
         for (int i = 0; i < 17; ++i) {
           v1::HelloVolume* volume = h.add_volumes();
           volume->set_uuid(base::Uuid::Random().ToBytes());
           volume->set_path(std::string(4096, 'p'));
         }
       }},
      {"unknown uuid", [](v1::Hello& h) { h.set_spu_id("spu-c"); }},  // the uuid is spu-a's
  };
  const base::SessionId live = LiveSession();
  for (const auto& c : kCases) {
    const std::uint64_t before = Refused(c.reason);
    v1::AttachRequest hello = LastSent(v1::AttachRequest::kHello);
    hello.mutable_hello()->set_attempt(50);
    c.spoil(*hello.mutable_hello());
    simulator_.Inject(hello, true);
    simulator_.Settle(std::chrono::milliseconds(250));
    EXPECT_EQ(Refused(c.reason), before + 1) << c.reason;
    EXPECT_EQ(LiveSession(), live);
  }
}

TEST_F(ControllerCoreTest, AReportOfAnOldSessionIsRefusedCountedAndVisible) {
  v1::AttachRequest old = LastSent(v1::AttachRequest::kReport);
  simulator_.CutStream();
  simulator_.Settle(kLong);
  *old.mutable_report() = test_support::FullReport(simulator_.volume(0), 50, 9);
  old.mutable_report()->set_session(LiveSession().value() - 1);
  simulator_.Inject(old, false);
  simulator_.Settle(kLong);
  EXPECT_EQ(Generation(0), 1u);
  EXPECT_EQ(Refused("stale session"), 1u);
  EXPECT_EQ(simulator_.CountEvents("report.refused", "stale session"), 1u);
}

TEST_F(ControllerCoreTest, NoSessionIsWelcomedBeforeItsNumberIsDurable) {
  const base::SessionId before = LiveSession();
  simulator_.CutStream();
  simulator_.FailStore(true);
  simulator_.Settle(kLong);
  EXPECT_FALSE(simulator_.spu().link().attached());
  simulator_.FailStore(false);
  simulator_.Settle(kLong);
  EXPECT_TRUE(simulator_.spu().link().attached());
  EXPECT_GT(LiveSession(), before);
  EXPECT_EQ(simulator_.store().contents.session, LiveSession());
}

TEST_F(ControllerCoreTest, ASilentSpuIsOfflineAfterItsLeaseAndALateHeartbeatBringsItBack) {
  simulator_.Advance(std::chrono::seconds(4));
  const base::SessionId live = LiveSession();
  simulator_.Tick();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_LEADER_OFFLINE);
  EXPECT_THAT(simulator_.Verdict(0).reason, HasSubstr("lease 3.0s"));
  v1::AttachRequest late;
  late.mutable_heartbeat()->set_session(live.value());
  late.mutable_heartbeat()->set_digest(
      LastSent(v1::AttachRequest::kHeartbeat).heartbeat().digest());
  simulator_.ForgetShown();
  simulator_.Inject(late, false);
  simulator_.Settle(kLong);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

// Its disk hangs: what it would say can not be made durable, and its record says ready.
TEST_F(ControllerCoreTest, AVolumeItsSpuDoesNotVouchForIsNotOnlineUntilItDoes) {
  simulator_.spu().link().SetHealth({.unvouched = {simulator_.volume(0)}});
  simulator_.Settle();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_LEADER_OFFLINE);
  EXPECT_THAT(simulator_.Verdict(0).reason, HasSubstr("its disk hangs"));
  EXPECT_EQ(simulator_.Status(1), v1::PARTITION_STATUS_ONLINE) << "the other volume";
  simulator_.ForgetShown();
  simulator_.CutStream();
  simulator_.Settle(kLong);
  EXPECT_TRUE(simulator_.spu().link().synced());
  EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_ONLINE)) << "nor in a new session";
  simulator_.spu().link().SetHealth({});
  simulator_.Settle();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

TEST_F(ControllerCoreTest, AfterAStartEverythingIsDownButNothingIsForgotten) {
  simulator_.RestartController();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_LEADER_OFFLINE);
  EXPECT_EQ(Generation(0), 1u);
  EXPECT_THAT(simulator_.Verdict(0).reason, HasSubstr("since the controller started"));
}

TEST_F(ControllerCoreTest, AVolumeTheHelloDoesNotNameIsAbsent) {
  v1::AttachRequest hello = LastSent(v1::AttachRequest::kHello);
  hello.mutable_hello()->set_attempt(50);
  hello.mutable_hello()->mutable_volumes()->RemoveLast();
  simulator_.Inject(hello, true, /*half_open=*/true);
  simulator_.Settle(std::chrono::milliseconds(250));
  const base::Uuid left_out = simulator_.volume(1);
  EXPECT_EQ(simulator_.core().volumes().at(left_out).reach, v1::REACH_ABSENT);
  EXPECT_EQ(simulator_.Status(1), v1::PARTITION_STATUS_OFFLINE);
  EXPECT_THAT(simulator_.Verdict(1).reason, HasSubstr("volume absent"));
  EXPECT_EQ(simulator_.core().volumes().at(simulator_.volume(0)).reach, v1::REACH_SYNCING);
}

}  // namespace
}  // namespace tidemark::sc
