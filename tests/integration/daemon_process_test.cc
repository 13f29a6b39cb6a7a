#include "tests/support/daemon_process.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::support {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

// A shell script stands for the daemon; "$2" is the ports file.
class DaemonProcessTest : public testing::Test {
 protected:
  DaemonProcess Daemon(const std::string& script) {
    return DaemonProcess({.name = "fake",
                          .program = "/bin/sh",
                          .arguments = {"-c", script, "fake"},
                          .directory = home_.path()});
  }

  TempDirectory home_;
};

constexpr char kReady[] = R"(echo '{"grpc": 40123, "http":40124}' > "$2"; )";
constexpr char kForever[] = "while :; do sleep 1000 & wait $!; done";

TEST_F(DaemonProcessTest, WaitsForThePortsAndSeesTheProcessRun) {
  DaemonProcess daemon = Daemon(std::string(kReady) + kForever);
  EXPECT_FALSE(daemon.running());
  ASSERT_OK(daemon.Start());
  ASSERT_OK_AND_ASSIGN(const auto ports, daemon.WaitForPorts());
  EXPECT_THAT(ports, UnorderedElementsAre(Pair("grpc", 40123), Pair("http", 40124)));
  EXPECT_TRUE(daemon.running());
  EXPECT_THAT(daemon.Start(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(DaemonProcessTest, KnowsNoneOfTheCallersSettings) {
  ASSERT_EQ(::setenv("TIDEMARK_SC", "127.0.0.1:1", 1), 0);
  DaemonProcess daemon = Daemon(std::string("echo ${TIDEMARK_SC-none}; ") + kReady + kForever);
  ASSERT_OK(daemon.Start());
  ::unsetenv("TIDEMARK_SC");
  ASSERT_OK(daemon.WaitForPorts());
  EXPECT_EQ(daemon.Output(), "none\n");
}

TEST_F(DaemonProcessTest, KillNineIsASignalAndTheNextStartHasFreshFiles) {
  DaemonProcess daemon = Daemon(std::string("echo start >&2; ") + kReady + kForever);
  for (int start = 1; start <= 3; ++start) {
    ASSERT_OK(daemon.Start());
    ASSERT_OK(daemon.WaitForPorts());
    EXPECT_EQ(daemon.starts(), start);
    EXPECT_EQ(daemon.Log(), "start\n");
    daemon.Kill9();
    EXPECT_FALSE(daemon.running());
    EXPECT_THAT(daemon.WaitForExit(), IsOkAndHolds(ExitStatus{.signal = SIGKILL}));
  }
}

TEST_F(DaemonProcessTest, TerminateLetsTheDaemonChooseItsExitCode) {
  DaemonProcess daemon =
      Daemon(std::string("trap 'echo drained >&2; exit 0' TERM; ") + kReady + kForever);
  ASSERT_OK(daemon.Start());
  ASSERT_OK(daemon.WaitForPorts());
  daemon.Terminate();
  EXPECT_THAT(daemon.WaitForExit(), IsOkAndHolds(ExitStatus{}));
  EXPECT_THAT(daemon.Log(), HasSubstr("drained"));
}

TEST_F(DaemonProcessTest, StoppedDaemonIsAliveAndGoesOn) {
  DaemonProcess daemon = Daemon(std::string("trap 'exit 7' TERM; ") + kReady + kForever);
  ASSERT_OK(daemon.Start());
  ASSERT_OK(daemon.WaitForPorts());
  daemon.Stop();
  daemon.Terminate();
  EXPECT_THAT(daemon.WaitForExit(std::chrono::milliseconds(100)).status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  daemon.Continue();
  EXPECT_THAT(daemon.WaitForExit(), IsOkAndHolds(ExitStatus{.code = 7}));
}

TEST_F(DaemonProcessTest, ADaemonThatEndsEarlyIsAnErrorAtOnceWithItsLog) {
  DaemonProcess daemon = Daemon("echo 'marks out of order' >&2; exit 78");
  ASSERT_OK(daemon.Start());
  const absl::Status status = daemon.WaitForPorts().status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("exit code 78")));
  EXPECT_THAT(status.message(), HasSubstr("marks out of order"));
}

TEST_F(DaemonProcessTest, ADaemonWithoutPortsMeetsTheDeadline) {
  DaemonProcess daemon = Daemon(std::string("echo thinking >&2; ") + kForever);
  ASSERT_OK(daemon.Start());
  EXPECT_THAT(daemon.WaitForPorts(std::chrono::milliseconds(300)).status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("ports of 'fake'")));
}

TEST_F(DaemonProcessTest, NeverRunsAsRootAndMayWriteItsDirectory) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: nothing to drop";
  DaemonProcess daemon = Daemon("id -u; touch \"$(dirname \"$2\")/mine\"");
  ASSERT_OK(daemon.Start());
  EXPECT_THAT(daemon.WaitForExit(), IsOkAndHolds(ExitStatus{}));
  EXPECT_EQ(daemon.Output(), "65534\n");
}

TEST_F(DaemonProcessTest, RunsAProgramInAFolderThatNobodyMayEnter) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: nothing to drop";
  const std::string locked = home_.File("locked");
  ASSERT_EQ(::mkdir(locked.c_str(), S_IRWXU), 0);
  std::filesystem::copy_file("/usr/bin/id", locked + "/id");
  std::ofstream(locked + "/script") << "#!/bin/sh\nid -u\n";
  std::filesystem::permissions(locked + "/script", std::filesystem::perms(0755));
  for (const char* name : {"/id", "/script"}) {
    ASSERT_OK_AND_ASSIGN(const auto child,
                         ChildProcess::Start({.program = locked + name, .as_daemon_user = true}));
    EXPECT_EQ(child->Wait(kLongWait), ExitStatus{}) << name;
  }
}

TEST(Ports, AreReadOnlyFromAWholeObject) {
  struct Row {
    const char* text;
    std::optional<DaemonProcess::Ports> ports;
  };
  for (const Row& row : {Row{R"({"grpc":7201,"http":7202})", {{{"grpc", 7201}, {"http", 7202}}}},
                         {"{ \"grpc\" : 1 }\n", {{{"grpc", 1}}}},
                         {"{}", DaemonProcess::Ports{}},
                         {"", std::nullopt},
                         {R"({"grpc":7201)", std::nullopt},
                         {R"({"grpc":7201,})", std::nullopt},
                         {R"({"grpc":65536})", std::nullopt},
                         {R"({"grpc":-1})", std::nullopt}}) {
    EXPECT_EQ(ParsePorts(row.text), row.ports) << row.text;
  }
}

}  // namespace
}  // namespace tidemark::support
