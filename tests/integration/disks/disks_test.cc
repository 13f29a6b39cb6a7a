// The matrix as CI runs it: five cycles of each case, more than 500 reconnects while full in all.
// The long form is tidemark-disks.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

#include "absl/strings/str_join.h"
#include "daemon/process_setup.h"
#include "tests/integration/disks/case_run.h"
#include "tests/support/status_matchers.h"

namespace tidemark::disks {
namespace {

constexpr int kCycles = 5;
constexpr int kReconnects = 60;  // 9 cases: 540

class DisksTest : public testing::TestWithParam<const DiskCase*> {};

TEST_P(DisksTest, IsOnlineAgainOnlyAfterTheSpaceWasReallyReclaimed) {
  daemon::SetUpProcess();
  const char* given = std::getenv("TIDEMARK_SEED");
  CaseOptions options;
  options.cycles = kCycles;
  options.reconnects = kReconnects;
  options.seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  options.progress = [](std::string_view line) {
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
  };
  std::printf("seed %llu (again with TIDEMARK_SEED)\n",
              static_cast<unsigned long long>(options.seed));
  Tally tally;
  const absl::Status status = RunCase(*GetParam(), options, tally);
  if (absl::IsUnimplemented(status)) GTEST_SKIP() << status.message();
  ASSERT_OK(status);
  EXPECT_TRUE(tally.violations.empty()) << absl::StrJoin(tally.violations, "\n");
  EXPECT_TRUE(tally.Missing().empty()) << absl::StrJoin(tally.Missing(), "\n");
  EXPECT_GE(tally.measured["cycles"], kCycles);
  EXPECT_GE(tally.measured["reconnects"], kReconnects);
  EXPECT_EQ(tally.measured["unearned_online"], 0);
  std::printf("%s", tally.Serialize().c_str());
}

std::vector<const DiskCase*> Pointers() {
  std::vector<const DiskCase*> pointers;
  for (const DiskCase& disk_case : AllCases()) pointers.push_back(&disk_case);
  return pointers;
}

INSTANTIATE_TEST_SUITE_P(Cases, DisksTest, testing::ValuesIn(Pointers()), [](const auto& param) {
  std::string name;
  for (const char letter : param.param->name) name += letter == '-' ? '_' : letter;
  return name;
});

}  // namespace
}  // namespace tidemark::disks
