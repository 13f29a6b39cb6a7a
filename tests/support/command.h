// Runs a command to its end and returns what it said.
//
//   ASSERT_OK_AND_ASSIGN(const auto result, RunCommand({Program("tidemark"), "topic", "list"}));
//   EXPECT_EQ(result.exit.code, 0) << result.ToString();
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/support/await.h"
#include "tests/support/child_process.h"

namespace tidemark::support {

struct CommandOptions {
  std::string input;
  std::vector<std::string> environment;
  bool as_daemon_user = false;
  std::chrono::nanoseconds deadline = kLongWait;
};

struct CommandResult {
  ExitStatus exit;
  std::string output;
  std::string errors;

  std::string ToString() const;  // all three, for a failed assertion
};

// The first word is a path. kDeadlineExceeded, with what was said so far, if it had to be killed.
absl::StatusOr<CommandResult> RunCommand(const std::vector<std::string>& words,
                                         const CommandOptions& options = {});

// Path of one of our programs ("tidemark-spu", "tidemark-sc", "tidemark") in the build tree of the
// running test, or in $TIDEMARK_PROGRAMS. Ends the process if it is not built.
std::string Program(const std::string& name);

}  // namespace tidemark::support
