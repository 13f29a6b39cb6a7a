#include "sc/core/status_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_format.h"
#include "tests/support/report_builder.h"

namespace tidemark::sc {
namespace {

using ::testing::HasSubstr;

PartitionRecord SomePartition(bool acked) {
  PartitionRecord partition;
  partition.id = base::PartitionId(5);
  partition.spu_id = "spu-a";
  partition.volume = test_support::VolumeUuid(1);
  partition.spec_version = 1;
  partition.acked_version = acked ? 1 : 0;
  return partition;
}

TEST(StatusOfTest, IsTheTableForEverySubsetOfHoldsEveryReachAndEveryAssignment) {
  for (int bits = 0; bits < 512; ++bits) {
    for (const v1::Reach reach :
         {v1::REACH_DOWN, v1::REACH_SYNCING, v1::REACH_UP, v1::REACH_ABSENT}) {
      const bool space = bits & 1, blind = bits & 2, person = bits & 4, device = bits & 8;
      const bool fault = bits & 16, lost = bits & 32, reported = bits & 64, acked = bits & 128;
      const bool taken = bits & 256;
      VolumeState volume;
      volume.reach = reach;
      volume.reach_reason = "session lost";
      volume.session = volume.taken_in = base::SessionId(3);
      if (taken) volume.taken.insert(base::PartitionId(5));
      if (reported) {
        v1::Report& report = volume.record.accepted;
        report = test_support::ReadyReport(test_support::VolumeUuid(1), 4);
        if (space) test_support::HoldSpace(report, 3);
        if (blind) report.mutable_holds()->mutable_blind()->set_reason("no reading");
        if (person) report.mutable_holds()->add_held(space::v1::HOLD_KIND_OPERATOR);
        if (device) report.mutable_holds()->mutable_device()->set_detail("EIO");
        if (fault) report.add_device_faults()->set_detail("sync failed");
        if (lost) {
          report.add_lost_data()->set_partition_id(5);
          report.mutable_lost_data(0)->set_held(true);
        }
      }

      v1::PartitionStatus expected = v1::PARTITION_STATUS_ONLINE;
      if (!reported) {
        expected = v1::PARTITION_STATUS_OFFLINE;
      } else if (device || fault || lost) {
        expected = v1::PARTITION_STATUS_FAILED;
      } else if (space) {
        expected = v1::PARTITION_STATUS_OUT_OF_SPACE;
      } else if (blind || person || reach == v1::REACH_ABSENT) {
        expected = v1::PARTITION_STATUS_OFFLINE;
      } else if (reach != v1::REACH_UP) {
        expected = v1::PARTITION_STATUS_LEADER_OFFLINE;
      } else if (!acked) {
        expected = v1::PARTITION_STATUS_OFFLINE;
      } else if (!taken) {
        expected = v1::PARTITION_STATUS_LEADER_OFFLINE;
      }
      const PartitionVerdict verdict = StatusOf(SomePartition(acked), &volume);
      EXPECT_EQ(verdict.status, expected)
          << absl::StrFormat("bits %x, reach %d", bits, static_cast<int>(reach));
      EXPECT_EQ(verdict.reachable,
                reach == v1::REACH_UP && expected != v1::PARTITION_STATUS_LEADER_OFFLINE);
      EXPECT_EQ(verdict.reason.empty(), expected == v1::PARTITION_STATUS_ONLINE);
    }
  }
}

TEST(StatusOfTest, AnUnknownHoldOfANewerPeerIsAHoldAndIsShown) {
  VolumeState volume;
  volume.reach = v1::REACH_UP;
  volume.record.accepted = test_support::ReadyReport(test_support::VolumeUuid(1), 4);
  volume.record.accepted.mutable_holds()->add_held(static_cast<space::v1::HoldKind>(17));
  const PartitionVerdict verdict = StatusOf(SomePartition(true), &volume);
  EXPECT_EQ(verdict.status, v1::PARTITION_STATUS_OFFLINE);
  EXPECT_THAT(verdict.reason, HasSubstr("unknown hold 17"));
}

TEST(StatusOfTest, ARefusedPartitionIsOfflineSinceItWasRefused) {
  VolumeState volume;
  volume.reach = v1::REACH_UP;
  volume.record.accepted = test_support::ReadyReport(test_support::VolumeUuid(1), 4);
  PartitionRecord partition = SomePartition(false);
  partition.created_unix_ms = 1000;
  EXPECT_EQ(StatusOf(partition, &volume).since_unix_ms, 1000);
  partition.refusal = v1::ASSIGNMENT_REFUSAL_NO_ROOM;
  partition.refusal_detail = "4 MiB short";
  partition.acked_unix_ms = 7000;
  const PartitionVerdict verdict = StatusOf(partition, &volume);
  EXPECT_EQ(verdict.status, v1::PARTITION_STATUS_OFFLINE);
  EXPECT_EQ(verdict.since_unix_ms, 7000);
  EXPECT_THAT(verdict.reason, HasSubstr("4 MiB short"));
}

TEST(StatusOfTest, LostDataHoldsItsOwnPartitionOnly) {
  VolumeState volume;
  volume.reach = v1::REACH_UP;
  volume.record.accepted = test_support::ReadyReport(test_support::VolumeUuid(1), 4);
  volume.record.accepted.add_lost_data()->set_partition_id(6);
  volume.record.accepted.mutable_lost_data(0)->set_held(true);
  volume.taken.insert(base::PartitionId(5));
  EXPECT_EQ(StatusOf(SomePartition(true), &volume).status, v1::PARTITION_STATUS_ONLINE);
}

TEST(StatusOfTest, WhatWasTakenInAnotherSessionIsNotTaken) {
  VolumeState volume;
  volume.reach = v1::REACH_UP;
  volume.record.accepted = test_support::ReadyReport(test_support::VolumeUuid(1), 4);
  volume.session = base::SessionId(4);
  volume.taken_in = base::SessionId(3);
  volume.taken.insert(base::PartitionId(5));
  EXPECT_EQ(StatusOf(SomePartition(true), &volume).status, v1::PARTITION_STATUS_LEADER_OFFLINE);
  volume.taken_in = volume.session;
  EXPECT_EQ(StatusOf(SomePartition(true), &volume).status, v1::PARTITION_STATUS_ONLINE);
}

TEST(StatusOfTest, OutOfSpaceSaysSinceWhenAndWithWhichNumbers) {
  VolumeState volume;
  volume.record.accepted = test_support::FullReport(test_support::VolumeUuid(1), 4, 3);
  volume.record.accepted.mutable_holds()->mutable_space()->set_since_unix_ms(1234);
  volume.record.accepted.mutable_reading()->set_available_bytes(5 * base::kMiB);
  volume.record.accepted.set_bytes_short(15 * base::kMiB);
  const PartitionVerdict verdict = StatusOf(SomePartition(true), &volume);
  EXPECT_EQ(verdict.since_unix_ms, 1234);
  EXPECT_EQ(verdict.reason,
            "space(episode 3, bytes): 5.0 MiB available, full mark 12.0 MiB, resume mark 20.0 MiB, "
            "15.0 MiB short");
}

TEST(StatusOfTest, AVolumeNeverSeenIsProvisioning) {
  const PartitionVerdict verdict = StatusOf(SomePartition(true), nullptr);
  EXPECT_EQ(verdict.status, v1::PARTITION_STATUS_OFFLINE);
  EXPECT_FALSE(verdict.reachable);
}

}  // namespace
}  // namespace tidemark::sc
