#include "sc/core/controller_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/control/verdict_digest.h"
#include "sc/core/view.h"
#include "tests/sc/core/controller_core_fixture.h"

namespace tidemark::sc {
namespace {

using ::testing::HasSubstr;

TEST_F(ControllerCoreTest, AnEqualGenerationWithAnotherVerdictIsRefusedCountedAndVisible) {
  InjectReport(test_support::FullReport(simulator_.volume(0), 1, 1));
  EXPECT_EQ(Refused("same generation other content"), 1u);
  ASSERT_EQ(simulator_.CountEvents("report.refused", "same generation other content"), 1u);
  const EventRecord& event = simulator_.store().events.back();
  EXPECT_EQ(event.from(), "generation 1, ready");
  EXPECT_EQ(event.to(), "generation 1, space(episode 1, bytes)");
}

TEST_F(ControllerCoreTest, SpaceWithoutAGoodProofIsRefusedAndTheSpuClosesItsGateAgain) {
  struct {
    SimSpu::Lie lie;
    const char* reason;
  } const kCases[] = {{SimSpu::Lie::kNoProof, "proof missing"},
                      {SimSpu::Lie::kShortProof, "proof short"},
                      {SimSpu::Lie::kEarlierEpisode, "proof earlier episode"}};
  for (const auto& c : kCases) {
    simulator_.Do(simulator_.spu().OutOfSpace(simulator_.volume(0), simulator_.now()));
    simulator_.Settle();
    simulator_.ForgetShown();
    simulator_.Do(simulator_.spu().ReclaimFalsely(simulator_.volume(0), c.lie, simulator_.now()));
    simulator_.Settle();
    EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OUT_OF_SPACE) << c.reason;
    EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_ONLINE)) << c.reason;
    EXPECT_EQ(Refused(c.reason), 1u);
    EXPECT_EQ(simulator_.CountEvents("report.refused", c.reason), 1u);
    EXPECT_TRUE(simulator_.spu().ReportNow(simulator_.volume(0)).holds().has_space());
  }
  simulator_.Do(simulator_.spu().Reclaim(simulator_.volume(0), simulator_.now()));
  simulator_.Settle();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

TEST_F(ControllerCoreTest, SeveralEpisodesWhileCutOffAreAcceptedWithTheLatestProof) {
  const base::Uuid& volume = simulator_.volume(0);
  simulator_.Do(simulator_.spu().OutOfSpace(volume, simulator_.now()));
  simulator_.Settle();
  simulator_.CutStream();
  simulator_.ForgetShown();
  for (int i = 0; i < 3; ++i) {
    simulator_.Do(simulator_.spu().Reclaim(volume, simulator_.now()));
    simulator_.Do(simulator_.spu().OutOfSpace(volume, simulator_.now()));
  }
  simulator_.Settle(kLong);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OUT_OF_SPACE);
  EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_ONLINE));

  simulator_.CutStream();
  simulator_.Do(simulator_.spu().Reclaim(volume, simulator_.now()));
  simulator_.Do(simulator_.spu().OutOfSpace(volume, simulator_.now()));
  simulator_.Do(simulator_.spu().Reclaim(volume, simulator_.now()));
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OUT_OF_SPACE);
  simulator_.Settle(kLong);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
  EXPECT_EQ(simulator_.core().volumes().at(volume).record.accepted.proof().episode(), 5u);
}

TEST_F(ControllerCoreTest, AStoreThatCannotPersistTakesThePartitionOffOnline) {
  simulator_.FailStore(true);
  simulator_.Do(simulator_.spu().OutOfSpace(simulator_.volume(0), simulator_.now()));
  simulator_.Settle(std::chrono::milliseconds(500));
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_LEADER_OFFLINE);
  EXPECT_THAT(simulator_.Verdict(0).reason, HasSubstr("controller cannot persist"));
  EXPECT_FALSE(simulator_.core().store_status().ok());
  // The other volume has nothing to persist and is served as before.
  EXPECT_EQ(simulator_.Status(1), v1::PARTITION_STATUS_ONLINE);
  simulator_.ForgetShown();

  simulator_.FailStore(false);
  simulator_.Settle();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OUT_OF_SPACE);
  EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_ONLINE));
  EXPECT_FALSE(simulator_.core().store_status().ok())
      << "a batch that fits shows nothing: the owner says when the store is well";
}

// The store is slow: space came back and went again before the first of the two was durable.
TEST_F(ControllerCoreTest, NothingIsShownOnlineWhileANewerHoldWaitsForTheStore) {
  const base::Uuid& volume = simulator_.volume(0);
  StoreReclaimSlowly();
  simulator_.Do(simulator_.spu().OutOfSpace(volume, simulator_.now()));
  DeliverAll();
  ASSERT_TRUE(simulator_.core().volumes().at(volume).waiting.has_value());
  ASSERT_TRUE(simulator_.Commit());
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_LEADER_OFFLINE);
  EXPECT_THAT(simulator_.Verdict(0).reason, HasSubstr("a newer report of the volume holds it"));
  simulator_.Settle();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OUT_OF_SPACE);
  EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_ONLINE));
}

// Its fault is told under the same generation.
TEST_F(ControllerCoreTest, NothingIsShownOnlineWhileAFaultOfTheDeviceWaitsForTheStore) {
  const base::Uuid& volume = simulator_.volume(0);
  StoreReclaimSlowly();
  simulator_.Do(simulator_.spu().FailDevice(volume, simulator_.now()));
  DeliverAll();
  ASSERT_TRUE(simulator_.core().volumes().at(volume).waiting.has_value());
  ASSERT_TRUE(simulator_.Commit());
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_LEADER_OFFLINE);
  simulator_.Settle();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_ONLINE));
}

// What waits behind it says the same of the space: nobody needs to see a flap.
TEST_F(ControllerCoreTest, AVolumeIsNotTakenOffOnlineByAHarmlessReportThatWaits) {
  const base::Uuid& volume = simulator_.volume(0);
  simulator_.Do(simulator_.spu().OutOfSpace(volume, simulator_.now()));
  DeliverAll();
  simulator_.Do(simulator_.spu().Reclaim(volume, simulator_.now()));
  DeliverAll();
  ASSERT_TRUE(simulator_.core().volumes().at(volume).waiting.has_value());
  simulator_.ForgetShown();
  simulator_.Settle();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
  EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_LEADER_OFFLINE));
}

TEST_F(ControllerCoreTest, ADeviceFaultDuringAnEpisodeDoesNotEndTheEpisode) {
  const base::Uuid& volume = simulator_.volume(0);
  simulator_.Do(simulator_.spu().OutOfSpace(volume, simulator_.now()));
  simulator_.Do(simulator_.spu().FailDevice(volume, simulator_.now()));
  simulator_.Settle();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  simulator_.ForgetShown();
  simulator_.RestartSpu();
  simulator_.Settle(kLong);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OUT_OF_SPACE);
  EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_ONLINE));
}

TEST_F(ControllerCoreTest, TheSameRefusalAgainOnlyCounts) {
  const std::size_t before = simulator_.store().events.size();
  for (int i = 0; i < 50; ++i) simulator_.Inject(LastSent(v1::AttachRequest::kHello), true);
  simulator_.Settle();
  EXPECT_EQ(Refused("stale attempt"), 50u);
  EXPECT_EQ(simulator_.store().events.size(), before + 1);
}

TEST_F(ControllerCoreTest, OnlyWhatIsStoredTakesANumber) {
  for (int i = 0; i < 50; ++i) simulator_.Inject(LastSent(v1::AttachRequest::kHello), true);
  simulator_.Settle();
  simulator_.CutStream();
  simulator_.Settle(kLong);
  std::uint64_t expected = 0;
  for (const EventRecord& event : simulator_.store().events) {
    EXPECT_EQ(event.number(), ++expected) << event.name();
  }
  EXPECT_GE(expected, 4u);
}

TEST_F(ControllerCoreTest, AWipedVolumeIsFullUntilItHasProvenOtherwise) {
  const base::Uuid& volume = simulator_.volume(0);
  simulator_.Do(simulator_.spu().OutOfSpace(volume, simulator_.now()));
  simulator_.Do(simulator_.spu().Reclaim(volume, simulator_.now()));
  simulator_.Settle();
  ASSERT_EQ(Generation(0), 3u);
  simulator_.spu().WipeDisk(volume);
  simulator_.RestartSpu();
  simulator_.CutStream();
  simulator_.ForgetShown();
  simulator_.Settle(kLong);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OUT_OF_SPACE);
  EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_ONLINE));
  EXPECT_EQ(Generation(0), 4u);
  const v1::Report& report = simulator_.core().volumes().at(volume).record.accepted;
  EXPECT_TRUE(report.holds().space().unproven());
  EXPECT_EQ(report.holds().space().episode(), 2u);
}

TEST_F(ControllerCoreTest, ARolledBackVolumeThatCaughtUpWithTheGenerationIsFoundInTheWelcome) {
  const base::Uuid& volume = simulator_.volume(0);
  simulator_.Do(simulator_.spu().OutOfSpace(volume, simulator_.now()));
  simulator_.Settle();
  ASSERT_EQ(Generation(0), 2u);
  simulator_.CutStream();
  simulator_.spu().RollBackDisk(volume, 1);
  simulator_.RestartSpu();
  simulator_.Do(simulator_.spu().ToggleBlind(volume, simulator_.now()));  // generation 2 again
  simulator_.Settle(kLong);
  EXPECT_EQ(Generation(0), 3u);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OUT_OF_SPACE);
  simulator_.HealAndCompare();
}

TEST_F(ControllerCoreTest, LostDataIsLiftedOnlyUnderAHigherNumber) {
  v1::Report report = test_support::ReadyReport(simulator_.volume(0), 1);
  v1::LostData* lost = report.add_lost_data();
  lost->set_partition_id(1);
  lost->set_generation(4);
  lost->set_held(true);
  InjectReport(report);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  report.clear_lost_data();  // says nothing of it
  InjectReport(report);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  lost = report.add_lost_data();
  lost->set_partition_id(1);
  lost->set_generation(4);
  InjectReport(report);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  EXPECT_EQ(Refused("lost data lifted"), 1u);
  lost->set_generation(5);
  InjectReport(report);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

TEST_F(ControllerCoreTest, LostDataHeldAgainByAnOlderNumberIsLiftedOnlyAboveTheNewest) {
  v1::Report report = test_support::ReadyReport(simulator_.volume(0), 1);
  v1::LostData* lost = report.add_lost_data();
  lost->set_partition_id(1);
  lost->set_held(true);
  for (const std::uint64_t generation : {std::uint64_t{5}, std::uint64_t{2}}) {
    lost->set_generation(generation);
    InjectReport(report);
  }
  lost->set_held(false);
  lost->set_generation(3);
  InjectReport(report);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  EXPECT_EQ(Refused("lost data lifted"), 1u);
}

// Whatever it says, it is not what is shown: from here on nobody knows.
TEST_F(ControllerCoreTest, WhatIsRefusedLeavesNothingOnline) {
  ASSERT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
  v1::AttachRequest message;
  *message.mutable_report() = test_support::FullReport(simulator_.volume(0), 2, 1);
  message.mutable_report()->set_episodes(0);
  message.mutable_report()->mutable_holds()->clear_space();
  message.mutable_report()->set_session(LiveSession().value());
  message.mutable_report()->set_sequence(1'000'000);
  Deliver(message);
  EXPECT_EQ(Refused("malformed"), 1u);
  EXPECT_NE(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
  EXPECT_THAT(simulator_.core().volumes().at(simulator_.volume(0)).reach_reason,
              HasSubstr("refused the volume's report: malformed"));
}

TEST_F(ControllerCoreTest, LostDataOfAPartitionNobodyKnowsChangesNothingVisible) {
  v1::Report report = test_support::ReadyReport(simulator_.volume(0), 1);
  v1::LostData* lost = report.add_lost_data();
  lost->set_partition_id(99);
  lost->set_generation(4);
  lost->set_held(true);
  const std::size_t events = simulator_.store().events.size();
  InjectReport(report);
  EXPECT_EQ(simulator_.core().volumes().at(simulator_.volume(0)).record.accepted.lost_data_size(),
            0);
  EXPECT_EQ(simulator_.store().events.size(), events);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

TEST_F(ControllerCoreTest, AnOvertakenReportOfTheSameGenerationChangesNothing) {
  v1::Report newer = test_support::ReadyReport(simulator_.volume(0), 1);
  v1::Report older = newer;
  newer.add_device_faults()->set_cause(space::v1::DEVICE_CAUSE_IO_ERROR);
  InjectReport(newer, 2'000'000);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  InjectReport(older, 1'999'999);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
}

TEST_F(ControllerCoreTest, AnOvertakenReportOfTheSameGenerationWithAnotherVerdictIsRefused) {
  const v1::Report ready = test_support::ReadyReport(simulator_.volume(0), 1);
  InjectReport(ready, 2'000'000);
  InjectReport(ready, 1'999'999);
  EXPECT_EQ(AllRefused(), 0u) << "a duplicate is silence";
  InjectReport(test_support::FullReport(simulator_.volume(0), 1, 1), 1'999'998);
  EXPECT_EQ(Refused("same generation other content"), 1u);
  EXPECT_EQ(simulator_.CountEvents("report.refused", "same generation other content"), 1u);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

TEST_F(ControllerCoreTest, AHeartbeatWithAnotherDigestBringsAllReportsAgain) {
  v1::Report wrong = test_support::ReadyReport(simulator_.volume(0), 1);
  wrong.add_device_faults()->set_cause(space::v1::DEVICE_CAUSE_IO_ERROR);
  // Under the number of the SPU's own report: both sides believe that all is said.
  InjectReport(wrong, 1);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  simulator_.Settle();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

v1::Report FaultAlone(const base::Uuid& volume) {
  v1::Report fault;
  fault.set_volume(volume.ToBytes());
  fault.mutable_holds();
  fault.add_device_faults()->set_cause(space::v1::DEVICE_CAUSE_IO_ERROR);
  return fault;
}

// Of a volume that could not start. The verdict stays what it was: the SPU could not read it.
TEST_F(ControllerCoreTest, AFaultAloneFailsTheVolumeAndLeavesItsVerdict) {
  simulator_.Do(simulator_.spu().OutOfSpace(simulator_.volume(0), simulator_.now()));
  simulator_.Settle();
  const auto& volume = simulator_.core().volumes().at(simulator_.volume(0));
  const v1::Report told = volume.record.accepted;
  InjectReport(FaultAlone(simulator_.volume(0)), 1000);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  EXPECT_EQ(Generation(0), told.generation());
  EXPECT_TRUE(daemon::HoldsKind(volume.record.accepted.holds(), space::v1::HOLD_KIND_SPACE));
  EXPECT_TRUE(volume.fault_alone) << "the SPU's digest says nothing of it, nor must ours";
  EXPECT_EQ(AllRefused(), 0u);
  // An overtaken one does not bring the fault back.
  InjectReport(told, 2000);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OUT_OF_SPACE);
  InjectReport(FaultAlone(simulator_.volume(0)), 1500);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OUT_OF_SPACE);
}

TEST(ControllerView, AReportThatNeverCameIsNotAsOldAsTheEpoch) {
  const Moment moment{base::MonotonicTime(std::chrono::seconds(50)), 1'795'406'400'000};
  VolumeState volume;
  EXPECT_EQ(ViewVolume(volume, moment).report_age_ms(), -1);
  volume.record.accepted.set_generation(1);
  volume.record.accepted_unix_ms = moment.wall - 7000;
  EXPECT_EQ(ViewVolume(volume, moment).report_age_ms(), 7000) << "of another process";
  volume.heard_at = moment.now - std::chrono::seconds(3);
  EXPECT_EQ(ViewVolume(volume, moment).report_age_ms(), 3000);
}

TEST_F(ControllerCoreTest, TheViewShowsWhatWasLastReported) {
  simulator_.Do(simulator_.spu().OutOfSpace(simulator_.volume(0), simulator_.now()));
  simulator_.Settle();
  const FixedAssignments assignments(simulator_.store().contents.partitions);
  const auto spus = ViewSpus(simulator_.core(), assignments, simulator_.moment());
  ASSERT_EQ(spus.size(), 1u);
  EXPECT_TRUE(spus[0].attached());
  ASSERT_EQ(spus[0].volumes_size(), 2);
  EXPECT_EQ(spus[0].volumes(0).partitions(), 1);
  EXPECT_EQ(spus[0].volumes(0).reach(), v1::REACH_UP);
  const auto partitions = ViewPartitions(simulator_.core(), assignments, "orders");
  ASSERT_EQ(partitions.size(), 2u);
  EXPECT_EQ(partitions[0].status(), v1::PARTITION_STATUS_OUT_OF_SPACE);
  EXPECT_EQ(partitions[0].episode(), 1u);
  EXPECT_TRUE(partitions[0].reachable());
  EXPECT_EQ(partitions[1].status(), v1::PARTITION_STATUS_ONLINE);
  EXPECT_TRUE(ViewPartitions(simulator_.core(), assignments, "other").empty());
}

}  // namespace
}  // namespace tidemark::sc
