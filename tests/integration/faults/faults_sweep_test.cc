// Every call of the day meets a kill and every error that CI sweeps, and now and then a power cut.
// The optimised daemons: sanitized, this takes four times as long.
#include <iostream>

#include "gtest/gtest.h"
#include "tests/integration/faults/sweep_program.h"
#include "tests/support/status_matchers.h"

namespace tidemark::faults {
namespace {

void Sweep(const std::string& kind, int stride = 1) {
  const auto summary = RunSweepProgram(kind, stride);
  if (absl::IsUnimplemented(summary.status())) GTEST_SKIP() << summary.status().message();
  ASSERT_OK(summary);
  std::cout << *summary;  // calls, runs, faults that struck
}

TEST(FaultsSweepTest, SurvivesAKillBeforeEveryCall) { Sweep("kill"); }

// What a cut leaves is chosen by chance: at every call, scripts/soak io.
TEST(FaultsSweepTest, SurvivesAPowerCutInEveryThirdCall) { Sweep("power-cut", 3); }

TEST(FaultsSweepTest, SurvivesNoSpaceAtEveryCall) { Sweep("enospc"); }

TEST(FaultsSweepTest, SurvivesAnIoErrorAtEveryCall) { Sweep("eio"); }

TEST(FaultsSweepTest, SurvivesEverySyncFailingOnce) { Sweep("fsync-fails-once"); }

}  // namespace
}  // namespace tidemark::faults
