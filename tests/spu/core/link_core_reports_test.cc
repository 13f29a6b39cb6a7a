// What the link tells of volumes, until it is acknowledged or refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/control/verdict_digest.h"
#include "spu/core/link_core.h"
#include "tests/spu/core/link_core_fixture.h"
#include "tests/support/report_builder.h"

namespace tidemark::spu {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::FullReport;
using test_support::ReadyReport;
using test_support::ReclaimedReport;
using test_support::VolumeUuid;

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

// Rolled back, and its disk fails before the policy has answered: the answer never becomes durable.
TEST_F(LinkCoreTest, AFaultOfTheDeviceIsToldAloneWhileTheVerdictWaits) {
  Take(link_.AddVolume(kVolume, "/v", now_));
  Take(link_.SetReport(ReadyReport(kVolume, 5), now_));
  Tick(seconds(1));
  sc::v1::AttachResponse welcome = Welcome();
  Know(welcome, 50, 3);
  Receive(welcome);
  ASSERT_EQ(All<Wiped>().size(), 1u);
  ASSERT_TRUE(Reports().empty());
  sc::v1::Report broken = ReadyReport(kVolume, 5);
  broken.add_device_faults()->set_detail("fdatasync: EIO");
  Take(link_.SetReport(broken, now_));
  ASSERT_EQ(Reports().size(), 1u);
  const sc::v1::Report told = Reports()[0];
  EXPECT_EQ(told.generation(), 0u);
  EXPECT_EQ(told.volume(), kVolume.ToBytes());
  EXPECT_EQ(told.device_faults(0).detail(), "fdatasync: EIO");
  EXPECT_TRUE(told.has_holds());
  Receive(Ack(told));
  EXPECT_TRUE(link_.synced());
}

// Put back to how format left it, and too full to be provisioned: it has nothing to say, ever.
TEST_F(LinkCoreTest, AVolumeWithoutAVerdictIsComparedAsSoonAsItIsOpen) {
  const base::Uuid put_back = VolumeUuid(2);
  sc::v1::Report fresh;
  fresh.set_volume(put_back.ToBytes());
  fresh.mutable_holds();
  fresh.mutable_marks()->set_full_bytes(1);
  for (const bool first : {false, true}) {
    LinkCore link({.spu_id = "spu-a", .boot_nonce = 99}, {.boot_count = 3});
    link_ = link;
    effects_.clear();
    Take(link_.AddVolume(put_back, "/w", now_));
    if (first) Take(link_.SetReport(fresh, now_));
    Tick(seconds(6));
    sc::v1::AttachResponse welcome = Welcome();
    Know(welcome, 5, 1)->set_uuid(put_back.ToBytes());
    Receive(welcome);
    if (!first) Take(link_.SetReport(fresh, now_));
    ASSERT_EQ(All<Wiped>().size(), 1u);
    EXPECT_EQ(All<Wiped>()[0].known_generation, base::Generation(5));
    EXPECT_TRUE(Reports().empty());
    Take(link_.SetReport(FullReport(put_back, 6, 2), now_));
    EXPECT_EQ(Reports().size(), 1u);
  }
  // Nobody has a verdict of it.
  LinkCore link({.spu_id = "spu-a", .boot_nonce = 99}, {.boot_count = 3});
  link_ = link;
  effects_.clear();
  Take(link_.AddVolume(put_back, "/w", now_));
  Take(link_.SetReport(fresh, now_));
  Tick(seconds(6));
  sc::v1::AttachResponse welcome = Welcome();
  Know(welcome, 0, 0)->set_uuid(put_back.ToBytes());
  Receive(welcome);
  EXPECT_TRUE(All<Wiped>().empty());
  EXPECT_TRUE(Reports().empty());
}

TEST_F(LinkCoreTest, AReportRequestBringsAllReportsAgain) {
  Attach();
  Receive(Ack(Reports()[0]));
  sc::v1::AttachResponse request;
  request.mutable_report_request()->set_session(7);
  Receive(request);
  EXPECT_EQ(Reports().size(), 2u);
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
