// The sanitized daemons meet every kind of fault; at every call: faults_sweep_test.cc.
#include <iostream>

#include "gtest/gtest.h"
#include "tests/integration/faults/sweep_program.h"
#include "tests/support/status_matchers.h"

namespace tidemark::faults {
namespace {

TEST(FaultsTest, SurvivesFaultsAtEveryThirtiethCall) {
  const auto summary = RunSweepProgram(
      "kill,power-cut,enospc,eio,erofs,fsync-fails-once,fsync-enospc,short-write", 30);
  if (absl::IsUnimplemented(summary.status())) GTEST_SKIP() << summary.status().message();
  ASSERT_OK(summary);
  std::cout << *summary;
}

}  // namespace
}  // namespace tidemark::faults
