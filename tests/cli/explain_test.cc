// `volume explain` and `partition explain`: why something is not Online, and what exactly to do.
#include "tests/cli/app_fixture.h"

namespace tidemark::cli {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class ExplainTest : public AppTest {
 protected:
  ExplainTest() {
    for (auto& partition : *sc_.partitions.mutable_partitions()) {
      partition.set_volume("aaaa1111-0000");
      partition.set_assignment_acked(true);
    }
    told().set_uuid("aaaa1111-0000");
    told().set_path("/data/a");
    told().mutable_reading()->set_available_bytes(100 * kMiB);
    told().mutable_reading()->set_total_bytes(256 * kMiB);
  }

  space::v1::Volume& told() { return *spu_.explanation.mutable_volume(); }
  void BeReady() {
    told().set_accepting(true);
    sc_.spus.mutable_spus(0)->mutable_volumes(0)->clear_holds();
    spu_.explanation.set_summary("ready");
  }
  void BeFull() {
    FillVolume(told());
    MakeFull();
    spu_.explanation.add_next_steps("free 8.0 MiB on /data/a");
  }
};

// What accepts nothing is not Ready, though nothing holds it.
TEST_F(ExplainTest, AVolumeThatDoesNotAcceptIsNotCalledReady) {
  told().set_not_ready("first start: 8.0 MiB short");
  *spu_.volumes.add_volumes() = told();
  spu_.explanation.mutable_proof()->set_step(space::v1::PROOF_STEP_READINGS);
  spu_.explanation.mutable_proof()->set_bytes_short(8 * kMiB);
  spu_.explanation.add_next_steps("free 8.0 MiB on /data/a");
  const Ran explained = Run({"volume", "explain", "/data/a"});
  EXPECT_THAT(explained.out,
              AllOf(HasSubstr("Not ready (first start: 8.0 MiB short)"), HasSubstr("accepting  no"),
                    HasSubstr("step 2 of 6"), HasSubstr("free 8.0 MiB on /data/a"),
                    Not(HasSubstr(": Ready"))));
  const Ran described = Run({"volume", "describe", "/data/a"});
  EXPECT_THAT(described.out, AllOf(HasSubstr("Not ready (first start"), Not(HasSubstr("Ready,"))));
  const Ran listed = Run({"--spu", spu_.endpoint(), "volume", "list"});
  EXPECT_THAT(listed.out, AllOf(HasSubstr("Not ready (first start"), Not(HasSubstr(" Ready"))));
}

TEST_F(ExplainTest, AVolumeTheControllerHasNoReportOfIsNotCalledReady) {
  sc::v1::ScVolume& volume = *sc_.spus.mutable_spus(0)->mutable_volumes(0);
  volume.clear_holds();
  volume.set_reported(false);
  EXPECT_THAT(Run({"volume", "list"}).out,
              AllOf(HasSubstr("Unknown (no report yet)"), Not(HasSubstr(" Ready"))));
  EXPECT_THAT(Run({"status"}).out, Not(HasSubstr(" Ready")));
}

// Unmounted: the SPU cannot know its uuid, the SC does.
TEST_F(ExplainTest, AVolumeThatCouldNotBeOpenedIsExplainedByItsPath) {
  spu_.unknown_volumes = {"aaaa1111-0000"};
  told().clear_uuid();
  space::v1::DeviceHold& fault = *told().add_device_faults();
  fault.set_cause(space::v1::DEVICE_CAUSE_MISSING_VOLUME);
  fault.set_detail("no marker");
  spu_.explanation.add_next_steps("mount it at /data/a");
  *spu_.volumes.add_volumes() = told();
  const Ran explained = Run({"volume", "explain", "node-1:/data/a"});
  EXPECT_EQ(explained.code, 0) << explained.err;
  EXPECT_THAT(explained.out, AllOf(HasSubstr("Failed (missing volume: no marker)"),
                                   HasSubstr("mount it at /data/a"), HasSubstr("LAST KNOWN"),
                                   HasSubstr("OutOfSpace (episode 3, bytes)")));
  const Ran described = Run({"volume", "describe", "node-1:/data/a"});
  EXPECT_THAT(described.out, HasSubstr("Failed (missing volume: no marker)"));
}

TEST_F(ExplainTest, AVolumeItsSpuDoesNotHaveIsExplainedFromTheLastReport) {
  spu_.unknown_volumes = {"aaaa1111-0000", "/data/a"};
  const Ran ran = Run({"volume", "explain", "/data/a"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("LAST KNOWN"), HasSubstr("no volume '/data/a' on this SPU"),
                             HasSubstr("is it configured there?"), Not(HasSubstr("bring SPU"))));
}

TEST_F(ExplainTest, UnprovenIsNotSaidToBeALostRecord) {
  BeFull();
  told().mutable_holds()->mutable_space()->set_unproven(true);
  spu_.explanation.set_episode_began("reserve of 4 MiB held, 8 MiB wanted");
  EXPECT_THAT(Run({"volume", "explain", "/data/a"}).out,
              AllOf(HasSubstr("unproven: held until it is shown that there is room"),
                    HasSubstr("began      reserve of 4 MiB held, 8 MiB wanted"),
                    Not(HasSubstr("lost or wiped"))));
}

TEST_F(ExplainTest, SaysAllThatIsKnown) {
  BeFull();
  told().mutable_holds()->add_held(space::v1::HOLD_KIND_OPERATOR);
  auto& person = *told().mutable_holds()->mutable_operator_();
  person.set_who("ann");
  person.set_why("disk swap");
  person.set_since_unix_ms(kThen);
  told().mutable_holds()->add_held(space::v1::HOLD_KIND_BLIND);
  told().mutable_holds()->mutable_blind()->set_reason("statvfs hangs");
  told().mutable_holds()->mutable_blind()->set_since_unix_ms(kThen);
  auto& fault = *told().add_device_faults();
  fault.set_cause(space::v1::DEVICE_CAUSE_IO_ERROR);
  fault.set_since_unix_ms(kThen);
  space::v1::Explanation& explanation = spu_.explanation;
  explanation.set_reading_fault("deadline missed: no answer within 1s");
  explanation.set_marks_set_by("configuration");
  explanation.set_reclaim_needs_operator(true);
  explanation.set_reclaim_bytes_short(3 * kMiB);
  explanation.set_released_by("bob");
  explanation.set_released_unix_ms(kThen);
  const Ran ran = Run({"volume", "explain", "/data/a"});
  const std::string since = "since 2026-11-23T04:00:00Z";
  EXPECT_THAT(ran.out, AllOf(HasSubstr("operator   ann: disk swap, " + since),
                             HasSubstr("blind      statvfs hangs, " + since),
                             HasSubstr("device     I/O error, " + since),
                             HasSubstr("deadline missed: no answer within 1s"),
                             HasSubstr("set by configuration")));
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("reclaim    needs an operator: policy allows no more, 3145728"),
                    HasSubstr("short of the resume mark"), Not(HasSubstr("at least")),
                    HasSubstr("released   by bob, 2026-11-23T04:00:00Z")));
  told().mutable_reading()->set_available_bytes(0);
  EXPECT_THAT(Run({"volume", "explain", "/data/a"}).out, HasSubstr("at least 3145728 bytes"));
  explanation.set_reclaim_bytes_short(0);
  EXPECT_THAT(Run({"volume", "explain", "/data/a"}).out,
              HasSubstr("needs an operator: policy allows no more\n"));
  explanation.set_reclaim_running(true);
  EXPECT_THAT(Run({"volume", "explain", "/data/a"}).out, HasSubstr("reclaim    running"));
}

TEST_F(ExplainTest, AReadyVolumeNamesThePartitionsThatAreNotOnline) {
  BeReady();
  sc::v1::Partition& lost = *sc_.partitions.mutable_partitions(0);
  lost.set_status(sc::v1::PARTITION_STATUS_FAILED);
  lost.set_reason("lost data at offsets 5 to 9: checksum");
  lost.set_lost_data(true);
  sc::v1::Partition& refused = *sc_.partitions.mutable_partitions(1);
  refused.set_status(sc::v1::PARTITION_STATUS_OFFLINE);
  refused.set_reason("refused: 4 MiB short");
  refused.set_assignment_acked(false);
  refused.set_assignment_refusal("4 MiB short");
  refused.set_assignment_refusal_reason(sc::v1::ASSIGNMENT_REFUSAL_NO_ROOM);
  const Ran ran = Run({"volume", "explain", "/data/a"});
  EXPECT_THAT(ran.out, AllOf(HasSubstr("orders/0 is Failed: lost data at offsets 5 to 9: checksum"),
                             HasSubstr("tidemark consume orders --partition 0"),
                             HasSubstr("orders/1 is Offline: refused: 4 MiB short"),
                             HasSubstr("tidemark volume plan node-1:/data/a")));
}

TEST_F(ExplainTest, AVolumeTheControllerHasLostSaysSo) {
  BeReady();
  sc_.spus.mutable_spus(0)->mutable_volumes(0)->set_reach(sc::v1::REACH_ABSENT);
  EXPECT_THAT(Run({"volume", "explain", "/data/a"}).out,
              HasSubstr("Reachable for the SC: absent (tidemark spu describe node-1)"));
}

TEST_F(ExplainTest, WhatTheSpuKnowsOfItsPartitionsIsSaidWithoutTheController) {
  BeReady();
  space::v1::PartitionFault& fault = *spu_.explanation.add_partition_faults();
  fault.set_partition_id(10);
  fault.set_why("open: I/O error");
  *spu_.volumes.add_volumes() = told();
  const Ran ran =
      RunRaw({"--sc", "127.0.0.1:1", "--spu", spu_.endpoint(), "volume", "explain", "/data/a"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("id 10: open: I/O error"));
}

TEST_F(ExplainTest, APartitionIsExplainedByItsVolumeAndByItself) {
  BeFull();
  for (const char* noun : {"volume", "partition"}) {
    const Ran ran = Run({noun, "explain", "orders/1"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out,
                AllOf(ContainsRegex("^orders/1 is OutOfSpace since 2026-11-23T04:00:00Z"),
                      HasSubstr("10.0 MiB available, full mark 13.0 MiB"), HasSubstr("reachable"),
                      HasSubstr("/data/a on SPU node-1"), HasSubstr("free 8.0 MiB on /data/a")));
  }
  EXPECT_EQ(Run({"partition", "explain", "orders/9"}).code, 2);
  EXPECT_EQ(Run({"volume", "explain", "orders/9"}).code, 2);
}

TEST_F(ExplainTest, APartitionThatIsItselfTheCauseIsToldWhatToDoAboutItself) {
  BeReady();
  sc::v1::Partition& lost = *sc_.partitions.mutable_partitions(0);
  lost.set_status(sc::v1::PARTITION_STATUS_FAILED);
  lost.set_reason("lost data");
  lost.set_lost_data(true);
  EXPECT_THAT(Run({"partition", "explain", "orders/0"}).out,
              AllOf(HasSubstr("orders/0 is Failed"),
                    ContainsRegex("What to do\n  tidemark consume orders --partition 0")));
  EXPECT_THAT(Run({"partition", "explain", "orders/1"}).out,
              AllOf(HasSubstr("orders/1 is Online"), HasSubstr("nothing to do")));
}

TEST_F(ExplainTest, APartitionWhoseSpuIsAwayNamesTheSpu) {
  BeReady();
  sc_.spus.mutable_spus(0)->set_grpc_endpoint("127.0.0.1:1");
  sc::v1::Partition& partition = *sc_.partitions.mutable_partitions(0);
  partition.set_status(sc::v1::PARTITION_STATUS_LEADER_OFFLINE);
  partition.set_reachable(false);
  partition.set_reason("no session");
  partition.set_assignment_acked(true);
  EXPECT_THAT(Run({"partition", "explain", "orders/0"}).out,
              AllOf(HasSubstr("orders/0 is LeaderOffline"), HasSubstr("bring SPU node-1 back"),
                    HasSubstr("acknowledged once, not confirmed since")));
}

}  // namespace
}  // namespace tidemark::cli
