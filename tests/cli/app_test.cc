#include "cli/app.h"

#include <fstream>
#include <sstream>

#include "daemon/rpc_error.h"
#include "gmock/gmock.h"
#include "tests/cli/app_fixture.h"
#include "tests/support/temp_directory.h"

namespace tidemark::cli {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(AppTest, HelpLeadsWithExamplesAndDocumentsTheExitStatus) {
  const Ran root = RunRaw({"--help"});
  EXPECT_EQ(root.code, 0);
  EXPECT_THAT(root.out, AllOf(HasSubstr("10 out of space"), HasSubstr("69 unavailable"),
                              HasSubstr("75 try again"), HasSubstr("78 configuration")));
  const Ran produce = RunRaw({"produce", "--help"});
  EXPECT_EQ(produce.code, 0);
  EXPECT_LT(produce.out.find("Examples:"), produce.out.find("Usage:"));
  EXPECT_THAT(produce.out, HasSubstr("echo hello | tidemark produce orders"));
}

TEST_F(AppTest, EveryCommandHasHelpWithAnExample) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"topic", "create"},
                                             {"topic", "list"},
                                             {"topic", "describe"},
                                             {"topic", "delete"},
                                             {"partition", "list"},
                                             {"partition", "describe"},
                                             {"spu", "list"},
                                             {"spu", "describe"},
                                             {"spu", "replace"},
                                             {"volume", "list"},
                                             {"volume", "describe"},
                                             {"volume", "explain"},
                                             {"volume", "plan"},
                                             {"volume", "reclaim"},
                                             {"volume", "hold"},
                                             {"volume", "release"},
                                             {"produce"},
                                             {"consume"},
                                             {"trim"},
                                             {"status"},
                                             {"events"},
                                             {"watch"},
                                             {"health"}}) {
    std::vector<std::string> arguments = words;
    arguments.emplace_back("--help");
    const Ran ran = RunRaw(arguments);
    EXPECT_EQ(ran.code, 0) << words.back();
    EXPECT_THAT(ran.out, HasSubstr("tidemark " + words.front())) << words.back();
  }
}

TEST_F(AppTest, UnknownWordsGetTheNearestKnownOne) {
  struct Case {
    std::vector<std::string> arguments;
    std::string hint;
  };
  for (const Case& c : {Case{{"topik", "list"}, "did you mean 'topic'?"},
                        Case{{"topic", "creat", "orders"}, "did you mean 'create'?"},
                        Case{{"volume", "explian"}, "did you mean 'explain'?"},
                        Case{{"produce", "orders", "--ack", "written"}, "did you mean '--acks'?"},
                        Case{{"produce", "orders", "--acks", "durabel"}, "did you mean 'durable'?"},
                        Case{{"frobnicate"}, "unknown word 'frobnicate'"}}) {
    const Ran ran = RunRaw(c.arguments);
    EXPECT_EQ(ran.code, 2) << c.hint;
    EXPECT_THAT(ran.err, HasSubstr(c.hint));
    EXPECT_EQ(ran.out, "");
  }
}

TEST_F(AppTest, WrongUseIsStatusTwo) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"topic"},
                                             {"topic", "create"},
                                             {"trim", "orders/0"},
                                             {"topic", "create", "x", "--partitions", "many"},
                                             {"topic", "create", "x", "--retention", "5 parsecs"},
                                             {"consume", "orders", "--follow", "--until-end"},
                                             {"volume", "hold", "/data/a"}}) {
    EXPECT_EQ(Run(arguments).code, 2) << testing::PrintToString(arguments);
  }
}

TEST_F(AppTest, ANumberThatDoesNotFitIsRefusedWithTheLimits) {
  struct Case {
    std::vector<std::string> arguments;
    std::string said;
  };
  for (const Case& c :
       {Case{{"topic", "create", "x", "--partitions", "4294967297"},
             "'4294967297' is not within 1 and 2147483647"},
        Case{{"topic", "create", "x", "--partitions", "0"}, "'0' is not within 1 and"},
        Case{{"topic", "create", "x", "--partitions", "-1"}, "'-1' is not within 1 and"},
        Case{{"topic", "create", "x", "--partitions", "99999999999999999999"}, "is not within"},
        Case{{"topic", "create", "x", "--retention", "500us"}, "at least 1 ms is wanted"},
        Case{{"topic", "create", "x", "--retention", "0s"}, "at least 1 ms is wanted"},
        Case{{"topic", "create", "x", "--segment-time", "0.5ms"}, "at least 1 ms is wanted"},
        Case{{"topic", "create", "x", "--retention-bytes", "0"}, "at least 1 is wanted"},
        Case{{"produce", "orders", "--rate", "-5"}, "'-5' is not within 1 and"},
        Case{{"produce", "orders", "--rate", "0"}, "'0' is not within 1 and"},
        Case{{"produce", "orders", "--count", "-1"}, "'-1' is not within 0 and"},
        Case{{"produce", "orders", "--partition", "-1"}, "'-1' is not within 0 and 2147483647"},
        Case{{"consume", "orders", "--partition", "4294967296"}, "is not within"},
        Case{{"consume", "orders", "--count", "-1"}, "'-1' is not within 0 and"},
        Case{{"events", "--limit", "-1"}, "'-1' is not within 1 and 1000"},
        Case{{"events", "--limit", "4294967297"}, "is not within 1 and 1000"},
        Case{{"topic", "list", "--timeout", "0s"}, "at least 1 ms is wanted"}}) {
    const Ran ran = Run(c.arguments);
    EXPECT_EQ(ran.code, 2) << testing::PrintToString(c.arguments);
    EXPECT_THAT(ran.err, HasSubstr(c.said));
  }
  EXPECT_EQ(sc_.created.name(), "") << "nothing was asked of the SC";
}

// gRPC takes the lower 16 bits of the port, and asks somebody else.
TEST_F(AppTest, AnAddressThatIsNoneIsAWrongUse) {
  for (const char* flag : {"--sc", "--spu"}) {
    const Ran ran = RunRaw({flag, "127.0.0.1:70000", "topic", "list"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.err, AllOf(HasSubstr(flag), HasSubstr("'127.0.0.1:70000' is not an endpoint"),
                               HasSubstr("a number up to 65535")));
  }
}

TEST_F(AppTest, ARecordThatNoSpuTakesIsRefusedBeforeItIsMade) {
  const Ran ran = Run({"produce", "orders", "--count", "1", "--size", "4TiB"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("record of 4398046511104 bytes is too large: the SPU takes "
                                 "batches up to 1048576 bytes"));
}

TEST_F(AppTest, SaysThatTheControllerCannotBeReached) {
  const Ran ran = RunRaw({"--sc", "127.0.0.1:1", "topic", "list"});
  EXPECT_EQ(ran.code, 69);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("cannot reach SC at 127.0.0.1:1"),
                             HasSubstr("is tidemark-sc running? --sc or TIDEMARK_SC")));
}

TEST_F(AppTest, ListsPartitionsInAlignedColumns) {
  MakeFull();
  sc_.partitions.mutable_partitions(1)->set_reachable(false);
  sc_.partitions.mutable_partitions(1)->set_reachable_since_unix_ms(kThen);
  const Ran ran = Run({"partition", "list"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("TOPIC   PARTITION  LEADER  STATUS      REACHABLE"));
  EXPECT_THAT(ran.out, ContainsRegex("SPACE +SINCE +REASON +SIZE +LOG-START +HIGH-WATERMARK\n"));
  EXPECT_THAT(ran.out, ContainsRegex("OutOfSpace +yes +11.8 MiB short +2026-11-23T04:00:00Z +"
                                     "10.0 MiB available, full mark 13.0 MiB"));
  EXPECT_THAT(ran.out, HasSubstr("no since 2026-11-23T04:00:00Z"));
}

TEST_F(AppTest, JsonHasTheFieldNamesOfTheProto) {
  const Ran ran = Run({"topic", "list", "-o", "json"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out,
            "{\n"
            " \"topics\": [\n"
            "  {\n"
            "   \"name\": \"orders\",\n"
            "   \"partitions\": 2,\n"
            "   \"created_unix_ms\": \"0\",\n"
            "   \"deleting\": false\n"
            "  }\n"
            " ]\n"
            "}\n");
}

TEST_F(AppTest, CreatesATopicWithItsPolicy) {
  const Ran ran = Run({"topic", "create", "metrics", "--partitions", "4", "--retention", "7d",
                       "--retention-bytes", "1GiB", "--on-full", "drop_oldest"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(sc_.created.name(), "metrics");
  EXPECT_EQ(sc_.created.partitions(), 4);
  EXPECT_EQ(sc_.created.policy().retention_ms(), 7LL * 24 * 3600 * 1000);
  EXPECT_EQ(sc_.created.policy().retention_bytes(), 1LL << 30);
  EXPECT_EQ(sc_.created.policy().on_full(), sc::v1::ON_FULL_DROP_OLDEST);
  EXPECT_THAT(ran.out, HasSubstr("metrics"));
  EXPECT_THAT(ran.err, HasSubstr("created topic metrics with 4 partitions"));
}

TEST_F(AppTest, AnUnknownTopicIsNamedWithTheNearest) {
  const Ran ran = Run({"produce", "order"}, "x\n");
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("there is no topic 'order': did you mean 'orders'?"));
}

TEST_F(AppTest, ProducesLinesOverAllPartitionsAndSaysTheirOffsets) {
  const Ran ran = Run({"produce", "orders"}, "a\nb\nc\nd\n");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(spu_.values(10), ElementsAre("a", "c"));
  EXPECT_THAT(spu_.values(11), ElementsAre("b", "d"));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("4 records"), HasSubstr("orders/0  offsets 0 to 1")));
  EXPECT_EQ(ran.out, "");
}

TEST_F(AppTest, BatchesAreNoLargerThanTheTopicTakes) {
  for (auto& topic : *sc_.topics.mutable_topics()) topic.mutable_policy()->set_batch_bytes_max(512);
  std::string lines;
  for (int i = 0; i < 3000; ++i) lines += std::string(80, 'x') + "\n";
  const Ran ran = Run({"produce", "orders", "--partition", "0"}, lines);
  EXPECT_EQ(ran.code, 0) << ran.err;
  for (const int records : spu_.batches(10)) EXPECT_LE(records, 5);
}

TEST_F(AppTest, AKeyStaysInItsPartition) {
  const Ran ran = Run({"produce", "orders", "--key-separator", "\\t"}, "k\t1\nk\t2\nk\t3\n");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(spu_.values(10).empty() ? spu_.values(11) : spu_.values(10),
              ElementsAre("1", "2", "3"));
}

TEST_F(AppTest, ProducesAFile) {
  const support::TempDirectory directory;
  const std::string path = directory.File("lines");
  std::ofstream(path) << "one\ntwo\n";
  EXPECT_EQ(Run({"produce", "orders", "--partition", "1", "--file", path}).code, 0);
  EXPECT_THAT(spu_.values(11), ElementsAre("one", "two"));
  EXPECT_EQ(Run({"produce", "orders", "--file", path + ".gone"}).code, 2);
}

TEST_F(AppTest, InputThatCannotBeReadIsAnErrorAndNotItsEnd) {
  const support::TempDirectory directory;
  const Ran ran = Run({"produce", "orders", "--file", directory.path()});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("--file '" + directory.path() + "' is a directory"));
  std::ifstream in(directory.path(), std::ios::binary);
  std::ostringstream out;
  EXPECT_EQ(RunTidemark({"--sc", sc_.endpoint(), "produce", "orders"}, {in, out, out}), 1);
  EXPECT_THAT(out.str(), HasSubstr("reading standard input failed"));
}

TEST_F(AppTest, LeavesWithStatusTenWhenTheVolumeIsFull) {
  MakeFull();
  const Ran ran = Run({"produce", "orders"}, "a\nb\n");
  EXPECT_EQ(ran.code, 10);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("10.0 MiB available, full mark 13.0 MiB"),
                             HasSubstr("10485760 bytes"), HasSubstr("18874368 bytes"),
                             HasSubstr("tidemark volume explain /data/a"),
                             HasSubstr("first record not acknowledged: number")));
}

TEST_F(AppTest, TheRefusalIsInTheJsonSummary) {
  MakeFull();
  const Ran ran = Run({"produce", "orders", "-o", "json"}, "a\n");
  EXPECT_EQ(ran.code, 10);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("\"acknowledged\":0"), HasSubstr("\"refused\":1"),
                             HasSubstr("\"reason\":\"REFUSAL_REASON_OUT_OF_SPACE\""),
                             HasSubstr("\"full_bytes\":13631488")));
}

TEST_F(AppTest, ConsumesWhatIsThereInOrder) {
  spu_.Fill(10, {"a", "b", "c"}, 2);
  const Ran ran = Run({"consume", "orders", "--partition", "0"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "a\nb\nc\n");
  EXPECT_EQ(Run({"consume", "orders", "--partition", "0", "--from", "1", "--count", "1", "--format",
                 "%o:%v|"})
                .out,
            "1:b|");
  EXPECT_THAT(Run({"consume", "orders", "--partition", "0", "--count", "1", "-o", "json"}).out,
              StartsWith(R"({"topic":"orders","partition":0,"offset":0,"timestamp":)"));
}

TEST_F(AppTest, ConsumeFailsOnADamagedBatch) {
  spu_.Fill(10, {"a"}, 1);
  spu_.corrupt_batches = true;
  const Ran ran = Run({"consume", "orders"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.out, "");
}

TEST_F(AppTest, TrimsToAnOffsetOrToTheEnd) {
  spu_.Fill(11, {"a", "b", "c"}, 1);
  EXPECT_EQ(Run({"trim", "orders/1", "--before", "end"}).code, 0);
  EXPECT_EQ(spu_.trimmed_before(11), 3);
  EXPECT_EQ(Run({"trim", "orders/0", "--before", "17"}).code, 0);
  EXPECT_EQ(spu_.trimmed_before(10), 17);
  EXPECT_EQ(Run({"trim", "orders", "--before", "17"}).code, 2);
  EXPECT_EQ(Run({"trim", "orders/0", "--before", "soon"}).code, 2);
  EXPECT_EQ(Run({"trim", "orders/9", "--before", "17"}).code, 2);
}

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

TEST_F(AppTest, AControllerThatCannotPersistIsNotCalledUnreachable) {
  sc_.create_answer = absl::UnavailableError("the controller cannot persist: disk is full");
  daemon::AttachDetail(sc_.create_answer, "tidemark.sc.v1.StoreProblem", "");
  const Ran ran = Run({"topic", "create", "x"});
  EXPECT_EQ(ran.code, 69);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("answers: the controller cannot persist: disk is full"),
                             Not(HasSubstr("is tidemark-sc running"))));
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

TEST_F(AppTest, EventsTellWhatHappenedAndFilter) {
  sc::v1::Event& event = *sc_.events.add_events();
  event.set_number(9);
  event.set_at_unix_ms(kThen);
  event.set_name("report.refused");
  event.set_subject("volume aaaa1111");
  event.set_reason("generation 4 is lower than 7");
  const Ran ran = Run({"events", "--contains", "refused", "--limit", "5"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(sc_.listed_events.contains(), "refused");
  EXPECT_EQ(sc_.listed_events.limit(), 5);
  EXPECT_THAT(ran.out, ContainsRegex("9  2026-11-23T04:00:00Z  report.refused  volume aaaa1111"));
}

TEST_F(AppTest, EventsOfATimeAndThePageBefore) {
  EXPECT_EQ(Run({"events", "--since", "2026-11-23T04:00:00Z", "--until", "2026-11-23T05:00:00Z",
                 "--before", "9"})
                .code,
            0);
  EXPECT_EQ(sc_.listed_events.since_unix_ms(), kThen);
  EXPECT_EQ(sc_.listed_events.until_unix_ms(), kThen + 3'600'000);
  EXPECT_EQ(sc_.listed_events.before_number(), 9U);
  EXPECT_EQ(Run({"events", "--since", "15m"}).code, 0);
  EXPECT_GT(sc_.listed_events.since_unix_ms(), kThen);
  EXPECT_EQ(sc_.listed_events.until_unix_ms(), 0);
  const Ran wrong = Run({"events", "--since", "yesterday"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("--since 'yesterday' is neither a time"));
  EXPECT_EQ(Run({"events", "--follow", "--before", "9"}).code, 2);
}

TEST_F(AppTest, EventsThatFollowAreFilteredAsTheListIs) {
  sc::v1::WatchEventsResponse more;
  const auto add = [&](const std::string& name) -> sc::v1::Event& {
    sc::v1::Event& event = *more.add_events();
    event.set_name(name);
    event.set_at_unix_ms(kThen);
    return event;
  };
  add("one.hold").set_to("operator(Ann: disk swap)");
  add("two.spu").set_spu_id("ANN");
  add("three.volume").set_volume("ann-0");
  add("four.old").set_reason("Ann");
  more.mutable_events(3)->set_at_unix_ms(kThen - 1);
  add("five.other").set_reason("somebody");
  sc_.more_events.push_back(more);
  const Ran ran =
      Run({"events", "--follow", "--contains", "aNN", "--since", "2026-11-23T04:00:00Z"});
  EXPECT_THAT(ran.out, AllOf(HasSubstr("one.hold"), HasSubstr("two.spu"), HasSubstr("three.vol")));
  EXPECT_THAT(ran.out, AllOf(Not(HasSubstr("four.old")), Not(HasSubstr("five.other"))));
}

TEST_F(AppTest, WatchPrintsChangesOfStatusAndNothingElse) {
  sc::v1::WatchPartitionsResponse change;
  *change.add_partitions() = sc_.partitions.partitions(0);
  sc_.partition_changes.push_back(change);
  change.mutable_partitions(0)->set_high_watermark(200);
  sc_.partition_changes.push_back(change);  // only offsets moved
  change.mutable_partitions(0)->set_status(sc::v1::PARTITION_STATUS_OUT_OF_SPACE);
  sc_.partition_changes.push_back(change);
  const Ran ran = Run({"watch"});
  EXPECT_EQ(ran.code, 69) << "the SC ended the stream";
  EXPECT_THAT(ran.out, ContainsRegex("orders/0  Online  reachable: yes\n"
                                     ".*orders/0  Online -> OutOfSpace  reachable: yes\n$"));
}

TEST_F(AppTest, HealthHasTheExitCodesOfGrpcHealthProbe) {
  EXPECT_EQ(RunRaw({"health", "--spu", spu_.endpoint()}).code, 0);
  EXPECT_EQ(RunRaw({"health", "--spu", spu_.endpoint(), "--service", "sleepy"}).code, 4);
  EXPECT_EQ(RunRaw({"health", "--spu", spu_.endpoint(), "--service", "nobody"}).code, 3);
  EXPECT_EQ(RunRaw({"health", "--spu", "127.0.0.1:1", "--connect-timeout", "50ms"}).code, 2);
}

// A yes and a no are data; that nobody answered is not.
TEST_F(AppTest, HealthIsJsonForMachines) {
  const Ran yes = RunRaw({"health", "--spu", spu_.endpoint(), "-o", "json"});
  EXPECT_EQ(yes.code, 0);
  EXPECT_EQ(yes.out, "{\"service\":\"\",\"status\":\"SERVING\"}\n");
  const Ran no = RunRaw({"health", "--spu", spu_.endpoint(), "--service", "sleepy", "-o", "json"});
  EXPECT_EQ(no.code, 4);
  EXPECT_EQ(no.out, "{\"service\":\"sleepy\",\"status\":\"NOT_SERVING\"}\n");
  EXPECT_THAT(no.err, HasSubstr("sleepy: NOT_SERVING"));
  const Ran nobody =
      RunRaw({"health", "--spu", "127.0.0.1:1", "--connect-timeout", "50ms", "-o", "json"});
  EXPECT_EQ(nobody.code, 2);
  EXPECT_EQ(nobody.out, "");
  EXPECT_EQ(RunRaw({"health", "--spu", spu_.endpoint()}).out, "status: SERVING\n");
}

TEST_F(AppTest, AsksOneSpuItselfWhenTheControllerIsAway) {
  log::v1::LocalPartition& local = *spu_.local_partitions.add_partitions();
  local.set_id(10);
  local.set_topic("orders");
  local.set_accepting(true);
  local.set_volume("/data/a");
  const std::vector<std::string> nowhere = {"--sc", "127.0.0.1:1", "--spu", spu_.endpoint()};
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.begin(), nowhere.begin(), nowhere.end());
    return words;
  };
  EXPECT_THAT(RunRaw(with({"partition", "list"})).out, HasSubstr("/data/a"));
  EXPECT_EQ(RunRaw(with({"produce", "orders"}), "hi\n").code, 0);
  EXPECT_EQ(RunRaw(with({"consume", "orders"})).out, "hi\n");
}

}  // namespace
}  // namespace tidemark::cli
