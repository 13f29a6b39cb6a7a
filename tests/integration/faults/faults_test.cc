// The faults that CI lives through; tidemark-faults does the work, in many processes.
#include <chrono>
#include <filesystem>
#include <iostream>

#include "gtest/gtest.h"
#include "tests/support/command.h"
#include "tests/support/status_matchers.h"

namespace tidemark::faults {
namespace {

constexpr int kCannotMountHere = 75;

// The program lies beside this test.
std::string FaultsProgram() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "tidemark-faults";
}

// Every call of the day once for each of the kinds, or every `stride`-th.
void Sweep(const std::string& kinds, const std::string& stride = "1") {
  support::CommandOptions options;
  options.deadline = std::chrono::minutes(14);
  ASSERT_OK_AND_ASSIGN(const auto result, support::RunCommand({FaultsProgram(), "--sweep", kinds,
                                                               "--stride", stride, "--json"},
                                                              options));
  if (result.exit.code == kCannotMountHere) GTEST_SKIP() << result.errors;
  EXPECT_TRUE(result.exit.clean()) << result.ToString();
  std::cout << result.output;  // calls, runs, faults that struck
}

TEST(FaultsTest, SurvivesAKillBeforeEveryCall) { Sweep("kill"); }

TEST(FaultsTest, SurvivesAPowerCutInsideEveryThirdCall) { Sweep("power-cut", "3"); }

TEST(FaultsTest, SurvivesNoSpaceAtEveryCall) { Sweep("enospc"); }

TEST(FaultsTest, SurvivesAnIoErrorAtEveryCall) { Sweep("eio"); }

TEST(FaultsTest, SurvivesEverySyncFailingOnce) { Sweep("fsync-fails-once"); }

}  // namespace
}  // namespace tidemark::faults
