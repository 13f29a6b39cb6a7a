// The story of a disk that fills up, as ctest runs it. Its steps are in this folder.
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "gtest/gtest.h"
#include "tests/support/command.h"
#include "tests/support/status_matchers.h"

namespace tidemark::story {
namespace {

constexpr int kCannotMountHere = 75;

// The program lies beside this test.
std::string StoryProgram() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "tidemark-story";
}

TEST(StoryTest, AFullVolumeIsOnlineAgainOnlyAfterTheSpaceWasReallyReclaimed) {
  support::CommandOptions options;
  options.deadline = std::chrono::minutes(9);
  // Whoever runs it may have settings for another cluster: they must not reach the daemons.
  options.environment = {"TIDEMARK_SC=127.0.0.1:1"};
  // Where the story finds its programs.
  if (const char* programs = std::getenv("TIDEMARK_PROGRAMS"); programs != nullptr) {
    options.environment.push_back(std::string("TIDEMARK_PROGRAMS=") + programs);
  }
  ASSERT_OK_AND_ASSIGN(const auto result, support::RunCommand({StoryProgram(), "--json"}, options));
  if (result.exit.code == kCannotMountHere) GTEST_SKIP() << result.errors;
  EXPECT_TRUE(result.exit.clean()) << result.ToString();
  for (const char* step : {"serve", "fill", "cut", "kill", "foreign", "reclaim", "read_back"}) {
    const std::string ok = std::string("{\"name\":\"") + step + "\",\"ok\":true";
    EXPECT_NE(result.output.find(ok), std::string::npos) << step << ":\n" << result.ToString();
  }
}

}  // namespace
}  // namespace tidemark::story
