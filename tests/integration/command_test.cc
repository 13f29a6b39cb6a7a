#include "tests/support/command.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tidemark::support {
namespace {

using testing::HasSubstr;

absl::StatusOr<CommandResult> Shell(const std::string& script, CommandOptions options = {}) {
  return RunCommand({"/bin/sh", "-c", script}, options);
}

TEST(Command, ReturnsExitCodeAndBothOutputsApart) {
  ASSERT_OK_AND_ASSIGN(const auto result, Shell("echo data; echo message >&2; exit 10"));
  EXPECT_EQ(result.exit, ExitStatus{.code = 10});
  EXPECT_EQ(result.output, "data\n");
  EXPECT_EQ(result.errors, "message\n");
}

TEST(Command, TellsASignalFromAnExitCode) {
  ASSERT_OK_AND_ASSIGN(const auto result, Shell("kill -KILL $$"));
  EXPECT_EQ(result.exit, ExitStatus{.signal = SIGKILL});
  EXPECT_FALSE(result.exit.clean());
}

TEST(Command, PassesMoreInputThanAPipeHolds) {
  const std::string input(1 << 20, 'x');
  ASSERT_OK_AND_ASSIGN(const auto result, Shell("cat; cat >&2", {.input = input}));
  EXPECT_EQ(result.output.size(), input.size());
  EXPECT_TRUE(result.exit.clean());
}

TEST(Command, SurvivesACommandThatReadsNothing) {
  ASSERT_OK_AND_ASSIGN(const auto result, Shell("exit 3", {.input = std::string(1 << 20, 'x')}));
  EXPECT_EQ(result.exit.code, 3);
}

TEST(Command, HasAnEmptyInputUnlessGivenOne) {
  ASSERT_OK_AND_ASSIGN(const auto result, Shell("wc -c"));
  EXPECT_THAT(result.output, HasSubstr("0"));
}

TEST(Command, AddsToTheEnvironmentAndReplacesInIt) {
  ASSERT_OK_AND_ASSIGN(const auto result, Shell("echo $HOME-$TM_NEW-${PATH:+kept}",
                                                {.environment = {"HOME=/changed", "TM_NEW=new"}}));
  EXPECT_EQ(result.output, "/changed-new-kept\n");
}

TEST(Command, KnowsNoneOfTheCallersSettingsButThoseItIsGiven) {
  ASSERT_EQ(::setenv("TIDEMARK_SC", "127.0.0.1:1", 1), 0);
  ASSERT_OK_AND_ASSIGN(const auto result, Shell("echo ${TIDEMARK_SC-none} ${TIDEMARK_LEASE-none}",
                                                {.environment = {"TIDEMARK_LEASE=5s"}}));
  ::unsetenv("TIDEMARK_SC");
  EXPECT_EQ(result.output, "none 5s\n");
}

TEST(Command, IsKilledWithItsChildrenAtTheDeadline) {
  const auto result =
      Shell("echo before; sleep 1000 & wait", {.deadline = std::chrono::milliseconds(200)});
  EXPECT_THAT(result.status(), StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("before")));
}

TEST(Command, ThatDoesNotExistIsNotFound) {
  EXPECT_THAT(RunCommand({"/no/such/program"}).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such/program")));
}

TEST(Command, ThatIsNotExecutableIsRefused) {
  EXPECT_THAT(RunCommand({"/etc/passwd"}).status(), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(Command, DropsToNobodyWhenAskedToByRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: nothing to drop";
  ASSERT_OK_AND_ASSIGN(const auto result, Shell("id -u; id -g; id -G", {.as_daemon_user = true}));
  EXPECT_EQ(result.output, "65534\n65534\n65534\n");
}

}  // namespace
}  // namespace tidemark::support
