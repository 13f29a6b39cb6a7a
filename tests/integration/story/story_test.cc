// The story of a disk that fills up, as ctest runs it. Its steps are in this folder.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/await.h"
#include "tests/support/child_process.h"
#include "tests/support/command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

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

TEST(StoryTest, LeavesNothingBehindWhenItIsKilled) {
  namespace fs = std::filesystem;
  const support::TempDirectory temporary;
  ASSERT_EQ(chmod(temporary.path().c_str(), 0711), 0);  // daemons run as nobody
  support::ChildOptions options;
  options.program = StoryProgram();
  options.environment = {"TMPDIR=" + temporary.path()};
  ASSERT_OK_AND_ASSIGN(const auto story, support::ChildProcess::Start(options));
  const auto entries = [](const fs::path& path) {
    std::vector<fs::path> found;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(path, gone)) found.push_back(entry.path());
    return found;
  };
  // What lies in its directory was made by the story itself: the guardian stands.
  ASSERT_TRUE(support::WaitFor(
      [&] {
        if (story->Wait(std::chrono::seconds(0)).has_value()) return true;
        const auto directories = entries(temporary.path());
        return !directories.empty() && !entries(directories.front()).empty();
      },
      support::kLongWait, "the story's directory"));
  if (const auto ended = story->Wait(std::chrono::seconds(0)); ended.has_value()) {
    ASSERT_EQ(ended->code, kCannotMountHere);
    GTEST_SKIP() << "no small filesystem can be mounted here";
  }
  story->Signal(SIGKILL);
  ASSERT_TRUE(story->Wait(support::kLongWait).has_value());
  EXPECT_TRUE(support::WaitFor([&] { return entries(temporary.path()).empty(); },
                               support::kLongWait, "the directory to go"));
}

}  // namespace
}  // namespace tidemark::story
