#include "cli/app.h"

#include "daemon/rpc_error.h"
#include "gmock/gmock.h"
#include "tests/cli/app_fixture.h"

namespace tidemark::cli {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
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

TEST_F(AppTest, AControllerThatCannotPersistIsNotCalledUnreachable) {
  sc_.create_answer = absl::UnavailableError("the controller cannot persist: disk is full");
  daemon::AttachDetail(sc_.create_answer, "tidemark.sc.v1.StoreProblem", "");
  const Ran ran = Run({"topic", "create", "x"});
  EXPECT_EQ(ran.code, 69);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("answers: the controller cannot persist: disk is full"),
                             Not(HasSubstr("is tidemark-sc running"))));
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
