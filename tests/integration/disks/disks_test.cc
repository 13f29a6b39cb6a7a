// The matrix as CI runs it: five cycles of each case, more than 500 reconnects while full in all.
// The long form is tidemark-disks.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/process_setup.h"
#include "tests/integration/disks/case_run.h"
#include "tests/support/status_matchers.h"

namespace tidemark::disks {
namespace {

constexpr int kCycles = 5;
constexpr int kReconnects = 60;  // 10 cases: 600

std::uint64_t Seed() {
  const char* given = std::getenv("TIDEMARK_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

class DisksTest : public testing::TestWithParam<std::string> {};

TEST_P(DisksTest, IsOnlineAgainOnlyAfterTheSpaceWasReallyReclaimed) {
  daemon::SetUpProcess();
  CaseOptions options;
  options.cycles = kCycles;
  options.reconnects = kReconnects;
  options.seed = Seed();
  options.progress = [](std::string_view line) { std::cout << line << std::endl; };
  std::cout << "seed " << options.seed << " (again with TIDEMARK_SEED)" << std::endl;
  Tally tally;
  const absl::Status status = RunCase(*FindCase(GetParam()), options, tally);
  if (absl::IsUnimplemented(status)) GTEST_SKIP() << GetParam() << ": " << status.message();
  ASSERT_OK(status);
  std::cout << tally.Serialize();
  EXPECT_THAT(tally.violations, testing::IsEmpty());
  EXPECT_THAT(tally.Missing(), testing::IsEmpty());
  EXPECT_EQ(tally.measured["cycles"], kCycles);
  EXPECT_GE(tally.measured["reconnects"], kReconnects);
  EXPECT_EQ(tally.measured["unearned_online"], 0);
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const DiskCase& disk_case : AllCases()) names.emplace_back(disk_case.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Cases, DisksTest, testing::ValuesIn(Names()), [](const auto& param) {
  std::string name = param.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

// What the tests above do together; each asserts its own part of it.
TEST(DisksPlanTest, HasEightCausesOfFiveCyclesAndFiveHundredReconnects) {
  std::set<std::pair<std::string_view, bool>> pairs;
  int out_of_space_cases = 0;
  for (const DiskCase& disk_case : AllCases()) {
    std::set<Cure> cures;
    int competitors = 0;
    for (int number = 0; number < kCycles; ++number) {
      const CyclePlan plan = PlanOf(disk_case, number);
      cures.insert(plan.cure);
      competitors += plan.competitor ? 1 : 0;
      pairs.insert({CureName(plan.cure), plan.competitor});
    }
    const bool thin = disk_case.cause == Cause::kThin;
    out_of_space_cases += thin ? 0 : 1;
    EXPECT_EQ(std::ssize(cures), thin ? 2 : kCures) << disk_case.name;
    EXPECT_GE(competitors, kCycles / 2) << disk_case.name;
    EXPECT_LE(competitors, kCycles / 2 + 1) << disk_case.name;
  }
  EXPECT_EQ(std::ssize(pairs), 2 * kCures) << "each cure with a competitor and without";
  EXPECT_GE(out_of_space_cases, 8);
  const auto reconnects = std::ssize(AllCases()) * kReconnects;
  EXPECT_GE(reconnects, 500);
  std::cout << out_of_space_cases << " causes and a thin volume, " << kCycles << " cycles each, "
            << reconnects << " reconnects while full" << std::endl;
}

}  // namespace
}  // namespace tidemark::disks
