#include "spu/core/link_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/control/verdict_digest.h"
#include "tests/support/report_builder.h"

namespace tidemark::spu {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::FullReport;
using test_support::ReadyReport;
using test_support::ReclaimedReport;
using test_support::VolumeUuid;
using ::testing::HasSubstr;

const base::Uuid kCluster({0xcc});
const base::Uuid kVolume = VolumeUuid(1);

class LinkCoreTest : public testing::Test {
 protected:
  LinkCoreTest() {
    Take(link_.AddVolume(kVolume, "/v", now_));
    Take(link_.SetReport(ReadyReport(kVolume, 1), now_));
  }
  void Take(LinkEffects effects) {
    for (auto& effect : effects) {
      if (const auto* open = std::get_if<OpenStream>(&effect)) stream_ = open->stream;
      effects_.push_back(std::move(effect));
    }
  }
  void Tick(base::Duration later = base::Duration(0)) {
    now_ = now_ + later;
    Take(link_.Tick(now_));
  }
  void Receive(const sc::v1::AttachResponse& message) {
    Take(link_.Receive(stream_, message, now_));
  }
  template <typename Effect>
  std::vector<Effect> All() const {
    std::vector<Effect> all;
    for (const auto& effect : effects_) {
      if (const auto* one = std::get_if<Effect>(&effect)) all.push_back(*one);
    }
    return all;
  }
  std::vector<sc::v1::Report> Reports() const {
    std::vector<sc::v1::Report> reports;
    for (const auto& send : All<SendMessage>()) {
      if (send.message.has_report()) reports.push_back(send.message.report());
    }
    return reports;
  }
  sc::v1::Hello LastHello() const {
    sc::v1::Hello hello;
    for (const auto& send : All<SendMessage>()) {
      if (send.message.has_hello()) hello = send.message.hello();
    }
    return hello;
  }
  sc::v1::AttachResponse Welcome(std::uint64_t session = 7) {
    const sc::v1::Hello hello = LastHello();
    sc::v1::AttachResponse message;
    sc::v1::Welcome* welcome = message.mutable_welcome();
    welcome->set_cluster_id(kCluster.ToBytes());
    welcome->set_store_epoch(1);
    welcome->set_session(session);
    welcome->set_boot_count(hello.boot_count());
    welcome->set_boot_nonce(hello.boot_nonce());
    welcome->set_attempt(hello.attempt());
    welcome->set_lease_ms(3000);
    welcome->set_heartbeat_ms(1000);
    return message;
  }
  void Attach() {
    Tick(seconds(6));
    Receive(Welcome());
    ASSERT_TRUE(link_.attached());
  }
  sc::v1::AttachResponse Ack(const sc::v1::Report& report) {
    sc::v1::AttachResponse message;
    message.mutable_report_ack()->set_session(report.session());
    message.mutable_report_ack()->set_volume(report.volume());
    message.mutable_report_ack()->set_sequence(report.sequence());
    return message;
  }
  sc::v1::AttachResponse ReportNack(const sc::v1::Report& report, sc::v1::ReportRefusal reason) {
    sc::v1::AttachResponse message;
    message.mutable_report_nack()->set_session(report.session());
    message.mutable_report_nack()->set_volume(report.volume());
    message.mutable_report_nack()->set_sequence(report.sequence());
    message.mutable_report_nack()->set_reason(reason);
    return message;
  }
  sc::v1::AttachResponse Nack(sc::v1::NackReason reason, std::uint64_t attempt = 0) {
    sc::v1::AttachResponse message;
    message.mutable_nack()->set_reason(reason);
    message.mutable_nack()->set_newest_boot_count(3);
    message.mutable_nack()->set_newest_boot_nonce(99);
    message.mutable_nack()->set_newest_attempt(attempt);
    return message;
  }
  sc::v1::KnownVolume* Know(sc::v1::AttachResponse& welcome, std::uint64_t generation,
                            std::uint64_t episodes) {
    sc::v1::KnownVolume* known = welcome.mutable_welcome()->add_known();
    known->set_uuid(kVolume.ToBytes());
    known->set_generation(generation);
    known->set_episodes(episodes);
    return known;
  }

  base::MonotonicTime now_{seconds(100)};
  LinkStreamId stream_;
  LinkEffects effects_;
  LinkCore link_{{.spu_id = "spu-a", .boot_nonce = 99, .backoff_seed = 1},
                 {.spu_uuid = base::Uuid({0x55}), .boot_count = 3}};
};

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

TEST_F(LinkCoreTest, TellsAllVolumesAfterWelcomeAndEachUntilItIsAcknowledged) {
  Attach();
  ASSERT_EQ(Reports().size(), 1u);
  EXPECT_EQ(Reports()[0].session(), 7u);
  for (int i = 0; i < 2; ++i) Tick(milliseconds(1000));
  EXPECT_EQ(Reports().size(), 3u);
  Receive(Ack(Reports()[0]));
  EXPECT_TRUE(link_.synced());
  for (int i = 0; i < 2; ++i) Tick(milliseconds(1000));
  EXPECT_EQ(Reports().size(), 3u);
}

TEST_F(LinkCoreTest, TheAnswerToAnOlderReportSaysNothingOfTheNewest) {
  Attach();
  Take(link_.SetReport(FullReport(kVolume, 2, 1), now_));
  ASSERT_EQ(Reports().size(), 2u);
  Receive(Ack(Reports()[0]));
  EXPECT_FALSE(link_.synced());
  Receive(ReportNack(Reports()[0], sc::v1::REPORT_REFUSAL_LOWER_GENERATION));
  EXPECT_TRUE(link_.attached());
  Receive(Ack(Reports()[1]));
  EXPECT_TRUE(link_.synced());
}

TEST_F(LinkCoreTest, ANewReadingWaitsForTheHeartbeatAndKeepsTheNumber) {
  Attach();
  sc::v1::Report report = ReadyReport(kVolume, 1);
  for (int i = 0; i < 10; ++i) {
    report.mutable_reading()->set_available_bytes(i);
    Take(link_.SetReport(report, now_));
  }
  EXPECT_EQ(Reports().size(), 1u);
  Receive(Ack(Reports()[0]));
  EXPECT_TRUE(link_.synced());
  Tick(seconds(1));
  ASSERT_EQ(Reports().size(), 2u);
  EXPECT_EQ(Reports()[1].reading().available_bytes(), 9);
  EXPECT_EQ(Reports()[1].sequence(), Reports()[0].sequence());
}

TEST_F(LinkCoreTest, ADeviceFaultIsToldAtOnceUnderTheSameGeneration) {
  Attach();
  sc::v1::Report report = ReadyReport(kVolume, 1);
  report.add_device_faults()->set_cause(space::v1::DEVICE_CAUSE_IO_ERROR);
  Take(link_.SetReport(report, now_));
  ASSERT_EQ(Reports().size(), 2u);
  EXPECT_GT(Reports()[1].sequence(), Reports()[0].sequence());
}

TEST_F(LinkCoreTest, ARefusedProofGoesToThePolicyAndIsNotSaidAgain) {
  for (const auto reason :
       {sc::v1::REPORT_REFUSAL_PROOF_MISSING, sc::v1::REPORT_REFUSAL_PROOF_SHORT,
        sc::v1::REPORT_REFUSAL_PROOF_EARLIER_EPISODE}) {
    if (!link_.attached()) Attach();
    effects_.clear();
    const auto generation = 10 + static_cast<std::uint64_t>(reason) * 10;
    Take(link_.SetReport(ReclaimedReport(kVolume, generation, 1), now_));
    const sc::v1::Report refused = Reports().back();
    Receive(ReportNack(refused, reason));
    ASSERT_EQ(All<ProofRefused>().size(), 1u);
    EXPECT_EQ(All<ProofRefused>()[0].generation, base::Generation(generation));
    EXPECT_TRUE(link_.attached());
    effects_.clear();
    Tick(seconds(1));
    EXPECT_TRUE(Reports().empty());
    Take(link_.SetReport(FullReport(kVolume, generation + 1, 2), now_));
    EXPECT_EQ(Reports().size(), 1u);
  }
}

TEST_F(LinkCoreTest, AStoreThatFailsIsToldAgainInTheSameSession) {
  Attach();
  Receive(ReportNack(Reports()[0], sc::v1::REPORT_REFUSAL_STORE_FAILED));
  EXPECT_TRUE(link_.attached());
  Tick(seconds(1));
  EXPECT_EQ(Reports().size(), 2u);
}

TEST_F(LinkCoreTest, AnyOtherRefusalStartsOverWithANewHello) {
  for (const auto reason :
       {sc::v1::REPORT_REFUSAL_STALE_SESSION, sc::v1::REPORT_REFUSAL_LOWER_GENERATION,
        sc::v1::REPORT_REFUSAL_SAME_GENERATION_OTHER_CONTENT, sc::v1::REPORT_REFUSAL_UNKNOWN_VOLUME,
        sc::v1::REPORT_REFUSAL_EPISODE_WENT_BACK, sc::v1::REPORT_REFUSAL_MALFORMED}) {
    Attach();
    const std::uint64_t attempt = link_.attempt();
    Receive(ReportNack(Reports().back(), reason));
    EXPECT_FALSE(link_.attached());
    Tick(seconds(6));
    EXPECT_EQ(link_.attempt(), attempt + 1);
    Take(link_.StreamClosed(stream_, "next", now_));
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

TEST_F(LinkCoreTest, WhatTheControllerKnowsBeyondUsMeansWiped) {
  struct {
    std::uint64_t generation;
    std::uint64_t episodes;
    bool same_digest;
    bool wiped;
  } const kCases[] = {
      {5, 0, false, true},   // ahead of us
      {1, 0, false, true},   // our number, another content
      {1, 0, true, false},   // just what we say
      {0, 2, false, true},   // it has seen episodes we have not
      {0, 0, false, false},  // behind us
  };
  for (const auto& c : kCases) {
    LinkCore link({.spu_id = "spu-a", .boot_nonce = 99}, {.boot_count = 3});
    link_ = link;
    effects_.clear();
    Take(link_.AddVolume(kVolume, "/v", now_));
    Take(link_.SetReport(ReadyReport(kVolume, 1), now_));
    Tick(seconds(1));
    sc::v1::AttachResponse welcome = Welcome();
    sc::v1::KnownVolume* known = Know(welcome, c.generation, c.episodes);
    if (c.same_digest) known->set_digest(daemon::VerdictDigest(ReadyReport(kVolume, 1)));
    Receive(welcome);
    EXPECT_EQ(All<Wiped>().size(), c.wiped ? 1u : 0u) << c.generation << " " << c.episodes;
    EXPECT_EQ(Reports().size(), c.wiped ? 0u : 1u);
    if (!c.wiped) continue;
    // Not yet above: still nothing that the controller would refuse anyway.
    Take(link_.SetReport(FullReport(kVolume, c.generation, 1), now_));
    EXPECT_TRUE(Reports().empty());
    Take(link_.SetReport(FullReport(kVolume, 9, 3), now_));
    EXPECT_EQ(Reports().size(), 1u);
  }
}

TEST_F(LinkCoreTest, AVolumeStillBeingOpenedIsComparedWhenItHasSomethingToSay) {
  Take(link_.AddVolume(VolumeUuid(2), "/w", now_));
  Tick(seconds(6));
  sc::v1::AttachResponse welcome = Welcome();
  sc::v1::KnownVolume* known = Know(welcome, 5, 1);
  known->set_uuid(VolumeUuid(2).ToBytes());
  Receive(welcome);
  EXPECT_TRUE(All<Wiped>().empty());
  Take(link_.SetReport(FullReport(VolumeUuid(2), 4, 1), now_));
  EXPECT_EQ(All<Wiped>().size(), 1u);
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

TEST_F(LinkCoreTest, AReportRequestBringsAllReportsAgain) {
  Attach();
  Receive(Ack(Reports()[0]));
  sc::v1::AttachResponse request;
  request.mutable_report_request()->set_session(7);
  Receive(request);
  EXPECT_EQ(Reports().size(), 2u);
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

TEST_F(LinkCoreTest, TheHeartbeatCarriesTheDigestOfAllVolumes) {
  Attach();
  const auto heartbeat = All<SendMessage>().at(1).message.heartbeat();  // after the Hello
  EXPECT_EQ(heartbeat.digest(), daemon::HeartbeatDigest(ReadyReport(kVolume, 1)));
}

TEST_F(LinkCoreTest, TheHeartbeatComesBeforeTheReportsAndNamesWhatIsNotVouchedFor) {
  link_.SetHealth({.unvouched = {kVolume}});
  Attach();
  std::vector<sc::v1::AttachRequest> sent;
  for (const auto& send : All<SendMessage>()) sent.push_back(send.message);
  ASSERT_EQ(sent.size(), 3u) << "Hello, heartbeat, report";
  ASSERT_TRUE(sent[1].has_heartbeat());
  ASSERT_EQ(sent[1].heartbeat().unvouched_size(), 1);
  EXPECT_EQ(sent[1].heartbeat().unvouched(0), kVolume.ToBytes());
  EXPECT_TRUE(sent[2].has_report());
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

// A volume that could not start, or was never provisioned, has no verdict to tell, but a fault.
TEST_F(LinkCoreTest, ADeviceFaultIsToldWhereThereIsNoVerdict) {
  const base::Uuid broken = VolumeUuid(2);
  Take(link_.AddVolume(broken, "/broken", now_));
  Tick(seconds(6));
  sc::v1::AttachResponse welcome = Welcome();
  sc::v1::KnownVolume* known = Know(welcome, 5, 2);
  known->set_uuid(broken.ToBytes());
  Receive(welcome);
  ASSERT_TRUE(link_.attached());
  ASSERT_EQ(Reports().size(), 1u) << "nothing to tell of the broken one yet";
  Receive(Ack(Reports().back()));
  EXPECT_TRUE(link_.synced());

  sc::v1::Report fault;
  fault.set_volume(broken.ToBytes());
  fault.mutable_holds();
  fault.add_device_faults()->set_cause(space::v1::DEVICE_CAUSE_IO_ERROR);
  Take(link_.SetReport(fault, now_));
  ASSERT_EQ(Reports().size(), 2u);
  EXPECT_EQ(Reports().back().volume(), broken.ToBytes());
  EXPECT_EQ(Reports().back().generation(), 0u);
  EXPECT_TRUE(All<Wiped>().empty()) << "what the controller knows is not in doubt";
  EXPECT_FALSE(link_.synced());
  Receive(Ack(Reports().back()));
  EXPECT_TRUE(link_.synced());
}

}  // namespace
}  // namespace tidemark::spu
