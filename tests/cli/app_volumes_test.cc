// Volumes, and the status that is made of them.
#include <sstream>

#include "cli/app.h"
#include "gmock/gmock.h"
#include "tests/cli/app_fixture.h"

namespace tidemark::cli {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(AppTest, ExplainSaysWhichStepFailedAndHowManyBytesAreShort) {
  space::v1::Explanation& explanation = spu_.explanation;
  FillVolume(*explanation.mutable_volume());
  explanation.mutable_volume()->set_path("/data/a");
  explanation.set_summary("A foreign process took the space that was freed.");
  explanation.mutable_proof()->set_step(space::v1::PROOF_STEP_TAKE_ROOM);
  explanation.mutable_proof()->set_message("fallocate of a step: no space left");
  explanation.mutable_proof()->set_bytes_short(8388608);
  explanation.mutable_proof()->set_next_try_ms(2500);
  explanation.add_next_steps("tidemark trim orders/0 --before 12000");
  const Ran ran = Run({"volume", "explain", "/data/a"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("OutOfSpace (episode 3, bytes)"),
                    HasSubstr("out of bytes, episode 3, since 2026-11-23T04:00:00Z"),
                    HasSubstr("step 3 of 6 (taking working room"),
                    HasSubstr("fallocate of a step: no space left"),
                    HasSubstr("8388608 bytes (8.0 MiB), up to the resume mark (18.0 MiB)"),
                    HasSubstr("in 2.5s"), HasSubstr("tidemark trim orders/0 --before 12000")));
}

TEST_F(AppTest, ExplainSaysHowLongReadingsHaveBeenGoodAndMustBe) {
  space::v1::Explanation& explanation = spu_.explanation;
  FillVolume(*explanation.mutable_volume());
  explanation.mutable_volume()->set_path("/data/a");
  auto& proof = *explanation.mutable_proof();
  proof.set_running(true);
  proof.set_step(space::v1::PROOF_STEP_READINGS);
  proof.set_readings_seen(3);
  proof.set_readings_wanted(5);
  proof.set_settled_ms(1200);
  proof.set_settle_ms(8000);
  EXPECT_THAT(Run({"volume", "explain", "/data/a"}).out,
              HasSubstr("readings   3 of 5, good for 1.2s of 8.0s"));
}

TEST_F(AppTest, ExplainFallsBackToTheLastReportAndSaysSo) {
  sc_.spus.mutable_spus(0)->set_grpc_endpoint("127.0.0.1:1");
  const Ran ran = Run({"volume", "explain"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(StartsWith("LAST KNOWN, from a report to the SC 1.5s ago"),
                             HasSubstr("cannot reach SPU at 127.0.0.1:1"),
                             HasSubstr("OutOfSpace (episode 3, bytes)")));
}

TEST_F(AppTest, AVolumeIsFoundByPathUuidPrefixOrSpuAndPath) {
  for (const char* name : {"/data/a", "aaaa1111-0000", "aaaa1", "node-1:/data/a"}) {
    EXPECT_EQ(Run({"volume", "explain", name}).code, 0) << name;
  }
  const Ran ran = Run({"volume", "explain", "/data/b"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("node-1:/data/a"));
}

TEST_F(AppTest, PlanSaysWhenPolicyDoesNotSuffice) {
  space::v1::ReclaimStep& step = *spu_.plan.add_steps();
  step.set_action("delete segment");
  step.set_topic("orders");
  step.set_expected_bytes(kMiB);
  spu_.plan.set_expected_bytes(kMiB);
  spu_.plan.set_wanted_bytes(3 * kMiB);
  const Ran ran = Run({"volume", "plan"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("delete segment"), HasSubstr("needs an operator"),
                             HasSubstr("wanted 3145728 bytes (3.0 MiB), up to the low mark (31.0 "
                                       "MiB). Writes go on from the resume mark (18.0 MiB)"),
                             HasSubstr("2097152 bytes")));
}

TEST_F(AppTest, StatusFitsTheStoryOnOneScreen) {
  MakeFull();
  const Ran ran = Run({"status"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("node-1 at"), HasSubstr("session 4"), HasSubstr("F"),
                             HasSubstr("10.0 MiB free of 256.0 MiB"), HasSubstr("2 OutOfSpace"),
                             HasSubstr("out of bytes since 2026-11-23T04:00:00Z (episode 3)"),
                             HasSubstr("Next: tidemark volume explain node-1:/data/a")));
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1b")));
}

// `Ready` is of now. What an SPU said before it died, or before its marker was gone, was.
TEST_F(AppTest, AVolumeThatCannotBeReachedIsUnknownAndWasWhatItWas) {
  sc::v1::Spu& spu = *sc_.spus.mutable_spus(0);
  sc::v1::ScVolume& volume = *spu.mutable_volumes(0);
  spu.set_grpc_endpoint("127.0.0.1:1");
  for (const bool held : {true, false}) {
    if (!held) volume.clear_holds();
    const std::string was = held ? "Unknown (was OutOfSpace (episode 3, bytes))"  //
                                 : "Unknown (was Ready)";
    for (const auto reach : {sc::v1::REACH_DOWN, sc::v1::REACH_SYNCING, sc::v1::REACH_ABSENT}) {
      volume.set_reach(reach);
      for (const std::vector<std::string>& words :
           std::vector<std::vector<std::string>>{{"status"},
                                                 {"volume", "list"},
                                                 {"volume", "describe", "/data/a"},
                                                 {"volume", "explain", "/data/a"},
                                                 {"spu", "describe", "node-1"}}) {
        SCOPED_TRACE(testing::PrintToString(words));
        EXPECT_THAT(Run(words).out, AllOf(HasSubstr(was), Not(ContainsRegex("[^(s] Ready"))));
      }
    }
  }
  volume.set_reach(sc::v1::REACH_UP);
  EXPECT_THAT(Run({"volume", "list"}).out, AllOf(HasSubstr(" Ready"), Not(HasSubstr("Unknown"))));
}

// Its numbers are none, and it is not as old as the epoch.
TEST_F(AppTest, AVolumeThatHasNeverReportedSaysSoInsteadOfNumbers) {
  sc::v1::Spu& spu = *sc_.spus.mutable_spus(0);
  sc::v1::ScVolume volume;
  volume.set_uuid("aaaa1111-0000");
  volume.set_path("/data/a");
  volume.set_reach(sc::v1::REACH_SYNCING);
  spu.set_grpc_endpoint("127.0.0.1:1");
  // As this SC tells it, and as an older one did.
  for (const std::int64_t age : {std::int64_t{-1}, kThen}) {
    volume.set_report_age_ms(age);
    *spu.mutable_volumes(0) = volume;
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"status"},
                                               {"volume", "list"},
                                               {"volume", "describe", "/data/a"},
                                               {"volume", "explain", "/data/a"}}) {
      SCOPED_TRACE(testing::PrintToString(words));
      EXPECT_THAT(Run(words).out, AllOf(HasSubstr("no report yet"), Not(HasSubstr("0 B")),
                                        Not(HasSubstr("d4h")), Not(HasSubstr("last known")),
                                        Not(HasSubstr("LAST KNOWN")), Not(HasSubstr("Ready"))));
    }
    EXPECT_THAT(Run({"volume", "explain", "/data/a", "-o", "json"}).out,
                AllOf(HasSubstr("no report yet"), Not(HasSubstr("ms old"))));
  }
  // A disk that failed at its first start has no verdict to report, but a fault.
  spu.mutable_volumes(0)->set_reach(sc::v1::REACH_UP);
  spu.mutable_volumes(0)->add_device_faults()->set_cause(space::v1::DEVICE_CAUSE_IO_ERROR);
  EXPECT_THAT(Run({"volume", "list"}).out, HasSubstr("Failed (I/O error)"));
}

TEST_F(AppTest, StatusNamesTheDiskOfAControllerThatCannotPersist) {
  sc_.spus.mutable_spus(0)->mutable_volumes(0)->clear_holds();
  EXPECT_THAT(Run({"status"}).out, Not(HasSubstr("last known")));
  sc_.spus.mutable_store_problem()->set_why("cannot persist: '/sc/status.db': disk is full");
  const Ran ran = Run({"status"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("node-1:/data/a (last known 1.5s ago)"),
                             HasSubstr("Next: mend the disk of the SC itself (free space if it is "
                                       "full): cannot persist: '/sc/status.db': disk is full")));
  std::istringstream in;
  std::ostringstream out;
  RunTidemark({"--sc", sc_.endpoint(), "status"}, {in, out, out, true});
  EXPECT_THAT(out.str(),
              AllOf(HasSubstr("\x1b[33mUnknown (was Ready)"), Not(HasSubstr("\x1b[32mUnknown"))))
      << "not green as if it were fresh";
}

TEST_F(AppTest, StatusNamesThePartitionThatIsNotOnlineOnAVolumeThatIsReady) {
  sc_.spus.mutable_spus(0)->mutable_volumes(0)->clear_holds();
  EXPECT_THAT(Run({"status"}).out, HasSubstr("Next: nothing to do"));
  sc::v1::Partition& partition = *sc_.partitions.mutable_partitions(1);
  partition.set_volume("aaaa1111-0000");
  struct Case {
    sc::v1::PartitionStatus status;
    bool reachable;
    sc::v1::AssignmentRefusal refusal;
    bool lost_data;
    std::string advice;
  };
  using enum sc::v1::AssignmentRefusal;
  const sc::v1::PartitionStatus offline = sc::v1::PARTITION_STATUS_OFFLINE;
  for (const Case& c :
       {Case{offline, true, ASSIGNMENT_REFUSAL_NO_ROOM, false,
             "tidemark volume plan node-1:/data/a"},
        Case{offline, true, ASSIGNMENT_REFUSAL_UNKNOWN_VOLUME, false,
             "tidemark spu describe node-1"},
        Case{offline, true, ASSIGNMENT_REFUSAL_BAD_NAME, false,
             "tidemark events --contains orders/1"},
        Case{offline, true, ASSIGNMENT_REFUSAL_UNSPECIFIED, false, "tidemark spu describe node-1"},
        Case{sc::v1::PARTITION_STATUS_LEADER_OFFLINE, false, ASSIGNMENT_REFUSAL_UNSPECIFIED, false,
             "tidemark spu describe node-1"},
        Case{sc::v1::PARTITION_STATUS_FAILED, true, ASSIGNMENT_REFUSAL_UNSPECIFIED, true,
             "tidemark consume orders --partition 1"},
        Case{sc::v1::PARTITION_STATUS_FAILED, true, ASSIGNMENT_REFUSAL_UNSPECIFIED, false,
             "tidemark volume explain node-1:/data/a"}}) {
    partition.set_status(c.status);
    partition.set_reachable(c.reachable);
    partition.set_assignment_refusal_reason(c.refusal);
    partition.set_assignment_refusal(c.refusal == ASSIGNMENT_REFUSAL_UNSPECIFIED ? "" : "4 short");
    partition.set_lost_data(c.lost_data);
    partition.set_reason("the reason");
    const Ran ran = Run({"status"});
    EXPECT_THAT(ran.out, HasSubstr("Next: " + c.advice));
    EXPECT_THAT(ran.out, ContainsRegex("orders/1 is [A-Za-z]+: the reason"));
    if (c.refusal == ASSIGNMENT_REFUSAL_NO_ROOM) {
      EXPECT_THAT(Run({"partition", "describe", "orders/1"}).out,
                  HasSubstr("tidemark volume plan aaaa1111-0000"))
          << "its volume's explanation says Ready";
    }
  }
}

TEST_F(AppTest, TimeToFullIsSaidOnlyOfAVolumeThatFills) {
  sc::v1::ScVolume& volume = *sc_.spus.mutable_spus(0)->mutable_volumes(0);
  volume.mutable_room()->set_time_to_full_ms(1);
  volume.mutable_room()->set_fill_bytes_per_second(1e9);
  EXPECT_THAT(Run({"volume", "list"}).out, ContainsRegex("256.0 MiB +full "));
  volume.clear_holds();
  EXPECT_THAT(Run({"volume", "list"}).out, ContainsRegex("256.0 MiB +full ")) << "below its mark";
  volume.mutable_reading()->set_available_bytes(100 * kMiB);
  volume.mutable_room()->set_time_to_full_ms(90'000);
  EXPECT_THAT(Run({"volume", "list"}).out, ContainsRegex("256.0 MiB +1m30s "));
  volume.mutable_room()->set_fill_bytes_per_second(70);
  EXPECT_THAT(Run({"volume", "list"}).out, ContainsRegex("256.0 MiB +- ")) << "idle";
}

}  // namespace
}  // namespace tidemark::cli
