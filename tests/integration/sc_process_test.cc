// The controller as a real process: what an operator does to it.
#include <signal.h>

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/command.h"
#include "tests/support/daemon_process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::support {
namespace {

using testing::HasSubstr;
using testing::Key;
using testing::UnorderedElementsAre;

class ScProcessTest : public testing::Test {
 protected:
  DaemonOptions Options(const std::string& name) const {
    return {.name = name,
            .program = Program("tidemark-sc"),
            .arguments = {"--data-dir", home_.File("data"), "--listen-grpc", "127.0.0.1:0",
                          "--listen-http", "127.0.0.1:0", "--store-reserve", "1MiB"},
            .directory = home_.path()};
  }
  void SetUp() override {
    std::filesystem::create_directory(home_.File("data"));
    std::filesystem::permissions(home_.File("data"), std::filesystem::perms::owner_all);
    ASSERT_OK(GiveToDaemons(home_.File("data")));
  }

  TempDirectory home_;
};

TEST_F(ScProcessTest, StartsGivesItsPortsAndDrainsOnSigterm) {
  DaemonProcess sc(Options("sc"));
  ASSERT_OK(sc.Start());
  ASSERT_OK_AND_ASSIGN(const auto ports, sc.WaitForPorts());
  EXPECT_THAT(ports, UnorderedElementsAre(Key("grpc"), Key("http")));
  sc.Terminate();
  EXPECT_THAT(sc.WaitForExit(), IsOkAndHolds(ExitStatus{})) << sc.LogTail();
}

TEST_F(ScProcessTest, StartsAgainOnItsDataAfterKillNine) {
  DaemonProcess sc(Options("sc"));
  for (int round = 0; round < 3; ++round) {
    ASSERT_OK(sc.Start());
    ASSERT_OK(sc.WaitForPorts());
    sc.Kill9();
  }
}

TEST_F(ScProcessTest, RefusesADataDirectoryThatIsInUseAndNamesIt) {
  DaemonProcess first(Options("first"));
  ASSERT_OK(first.Start());
  ASSERT_OK(first.WaitForPorts());
  DaemonProcess second(Options("second"));
  ASSERT_OK(second.Start());
  ASSERT_OK_AND_ASSIGN(const ExitStatus exit, second.WaitForExit());
  EXPECT_NE(exit.code, 0);
  EXPECT_EQ(exit.signal, 0);
  EXPECT_THAT(second.Log(), HasSubstr(home_.File("data")));
}

TEST_F(ScProcessTest, NamesAnUnknownConfigurationKeyWithItsPlace) {
  ASSERT_OK_AND_ASSIGN(const auto config, RunCommand({"/bin/sh", "-c",
                                                      "printf 'lease = \"3s\"\\nlaese = 1\\n' > " +
                                                          home_.File("sc.toml")}));
  ASSERT_TRUE(config.exit.clean());
  ASSERT_OK_AND_ASSIGN(const auto result,
                       RunCommand({Program("tidemark-sc"), "--config", home_.File("sc.toml")}));
  EXPECT_EQ(result.exit, ExitStatus{.code = 78}) << result.ToString();
  EXPECT_THAT(result.errors, HasSubstr("sc.toml:2:"));
  EXPECT_THAT(result.errors, HasSubstr("lease"));
}

}  // namespace
}  // namespace tidemark::support
