// The real tidemark-sc as a process: killed, stopped, and refusing to start.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/sc/controller_fixture.h"
#include "tests/support/command.h"
#include "tests/support/daemon_process.h"
#include "tests/support/http_fetch.h"

namespace tidemark::sc {
namespace {

using support::DaemonProcess;
using support::FakeSpu;
using support::kLongWait;
using support::Program;
using support::RunCommand;
using support::WaitFor;
using ::testing::HasSubstr;

class ScProcessTest : public ::testing::Test {
 protected:
  static std::string Target(const DaemonProcess::Ports& ports) {
    return "127.0.0.1:" + std::to_string(ports.at("grpc"));
  }

  support::TempDirectory home_;
  const std::string data_ = home_.File("sc");
  DaemonProcess sc_{
      {.name = "sc",
       .program = Program("tidemark-sc"),
       .arguments = {"--data-dir", data_, "--listen-grpc", "127.0.0.1:0", "--listen-http",
                     "127.0.0.1:0", "--lease", "10m", "--store-reserve", "64KiB"},
       .environment = {},
       .directory = home_.path()}};
};

TEST_F(ScProcessTest, KillMinusNineKeepsOutOfSpace) {
  ASSERT_OK(sc_.Start());
  ASSERT_OK_AND_ASSIGN(auto ports, sc_.WaitForPorts());
  base::Uuid uuid;
  {
    const Admin admin(Target(ports));
    FakeSpu spu(Target(ports), "n1", {kDisk});
    uuid = spu.uuid;
    BringOnline(spu, admin);
    ASSERT_TRUE(Acked(spu.Say(spu.Full(kDisk, 2, 1))));
    sc_.Kill9();
  }
  ASSERT_OK(sc_.Start());
  ASSERT_OK_AND_ASSIGN(ports, sc_.WaitForPorts());
  const Admin admin(Target(ports));
  EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_OUT_OF_SPACE);
  EXPECT_FALSE(admin.Partition("orders").reachable());

  FakeSpu spu(Target(ports), "n1", {kDisk});
  spu.uuid = uuid;
  spu.boot_count = 2;
  const auto welcome = spu.Attach();
  ASSERT_TRUE(Welcomed(welcome));
  ASSERT_EQ(welcome->welcome().known_size(), 1);
  EXPECT_EQ(welcome->welcome().known(0).generation(), 2U);
  EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_OUT_OF_SPACE);
}

TEST_F(ScProcessTest, SigtermEndsAttachedStreamsAndExitsWithZero) {
  ASSERT_OK(sc_.Start());
  ASSERT_OK_AND_ASSIGN(const auto ports, sc_.WaitForPorts());
  const Admin admin(Target(ports));
  FakeSpu spu(Target(ports), "n1", {kDisk});
  BringOnline(spu, admin);
  sc_.Terminate();
  ASSERT_OK_AND_ASSIGN(const auto exit, sc_.WaitForExit());
  EXPECT_TRUE(exit.clean()) << exit.ToString();
  EXPECT_TRUE(WaitFor([&] { return spu.ended(); }, kLongWait, "the stream to end"));
  EXPECT_THAT(spu.goodbye(), HasSubstr("stopping")) << "ended by us, not cut by the transport";
}

TEST_F(ScProcessTest, AnswersHealthAndMetricsOverHttp) {
  ASSERT_OK(sc_.Start());
  ASSERT_OK_AND_ASSIGN(const auto ports, sc_.WaitForPorts());
  const std::uint16_t http = ports.at("http");
  EXPECT_EQ(support::HttpFetch(http, "/livez").status, 200);
  EXPECT_EQ(support::HttpFetch(http, "/startupz").status, 200);
  const auto ready = support::HttpFetch(http, "/readyz?verbose");
  EXPECT_EQ(ready.status, 200);
  EXPECT_THAT(ready.body, HasSubstr("[+]store ok"));
  EXPECT_THAT(support::HttpFetch(http, "/metrics").body, HasSubstr("tidemark_sc_store_writable 1"));
}

TEST_F(ScProcessTest, SaysThatItRunsWithoutItsReserve) {
  sc_.options().arguments.back() = "1TiB";
  ASSERT_OK(sc_.Start());
  ASSERT_OK_AND_ASSIGN(const auto ports, sc_.WaitForPorts());
  const auto ready = support::HttpFetch(ports.at("http"), "/readyz?verbose");
  EXPECT_EQ(ready.status, 200);
  EXPECT_THAT(ready.body, HasSubstr("[+]store ok: without its reserve of 1.0 TiB; it is taken "
                                    "from 2.0 TiB free on\n"));
  EXPECT_TRUE(WaitFor([&] { return sc_.Log().find("store.reserve_missing") != std::string::npos; },
                      kLongWait, "a line of the log"));
  EXPECT_THAT(sc_.Log(), HasSubstr("1099511627776"));
}

TEST_F(ScProcessTest, RefusesToStartWithAReasonAndAnExitCode) {
  ASSERT_OK(sc_.Start());
  ASSERT_OK_AND_ASSIGN(const auto ports, sc_.WaitForPorts());
  struct Case {
    std::vector<std::string> arguments;
    int exit_code;
    const char* said;
  };
  const std::string other = home_.File("other");
  const Case cases[] = {
      {{"--data-dir", data_}, 69, "another tidemark-sc runs on it"},
      {{"--data-dir", home_.File("no/such")}, 78, "no/such"},
      {{"--data-dir", other, "--lease", "1s"}, 78, "at least two heartbeats"},
      {{"--data-dir", other, "--listen-grpc", "0.0.0.0:0"}, 78, "not loopback"},
      {{"--data-dir", other, "--listen-grpc", Target(ports)}, 69, "in use"},
      {{"--data-dir", other, "--store-reserve", "much"}, 78, "much"},
      {{"--no-such-flag"}, 2, "no-such-flag"},
  };
  for (const Case& c : cases) {
    std::vector<std::string> words = {Program("tidemark-sc")};
    const auto has = [&](const char* flag) {
      return std::find(c.arguments.begin(), c.arguments.end(), flag) != c.arguments.end();
    };
    for (const char* flag : {"--listen-grpc", "--listen-http"}) {
      if (!has(flag)) words.insert(words.end(), {flag, "127.0.0.1:0"});
    }
    words.insert(words.end(), c.arguments.begin(), c.arguments.end());
    ASSERT_OK_AND_ASSIGN(const auto result, RunCommand(words, {.as_daemon_user = true}));
    EXPECT_EQ(result.exit.code, c.exit_code) << result.ToString();
    EXPECT_THAT(result.errors + result.output, HasSubstr(c.said));
  }
}

TEST_F(ScProcessTest, RefusesToRunAsRootUnlessTold) {
  if (geteuid() != 0) GTEST_SKIP() << "this machine runs the tests as somebody else than root";
  // Told, it goes on to what else is wrong.
  for (const bool allowed : {false, true}) {
    ASSERT_OK_AND_ASSIGN(const auto result,
                         RunCommand({Program("tidemark-sc"), "--data-dir", home_.File("no/such"),
                                     "--listen-grpc", "127.0.0.1:0", "--listen-http", "127.0.0.1:0",
                                     "--allow-root", allowed ? "true" : "false"}));
    EXPECT_EQ(result.exit.code, 78) << result.ToString();
    EXPECT_THAT(result.errors, HasSubstr(allowed ? "no/such" : "refusing to run as root"));
  }
}

}  // namespace
}  // namespace tidemark::sc
