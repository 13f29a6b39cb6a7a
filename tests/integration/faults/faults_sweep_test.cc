// Every call of the day meets a kill, a power cut, and every error that CI sweeps. The optimised
// daemons: sanitized, this takes four times as long.
#include <iostream>

#include "gtest/gtest.h"
#include "tests/integration/faults/sweep_program.h"
#include "tests/support/status_matchers.h"

namespace tidemark::faults {
namespace {

void SweepEveryCall(const std::string& kind) {
  const auto summary = RunSweepProgram(kind);
  if (absl::IsUnimplemented(summary.status())) GTEST_SKIP() << summary.status().message();
  ASSERT_OK(summary);
  std::cout << *summary;  // calls, runs, faults that struck
}

TEST(FaultsSweepTest, SurvivesAKillBeforeEveryCall) { SweepEveryCall("kill"); }

TEST(FaultsSweepTest, SurvivesAPowerCutInEveryCall) { SweepEveryCall("power-cut"); }

TEST(FaultsSweepTest, SurvivesNoSpaceAtEveryCall) { SweepEveryCall("enospc"); }

TEST(FaultsSweepTest, SurvivesAnIoErrorAtEveryCall) { SweepEveryCall("eio"); }

TEST(FaultsSweepTest, SurvivesEverySyncFailingOnce) { SweepEveryCall("fsync-fails-once"); }

}  // namespace
}  // namespace tidemark::faults
