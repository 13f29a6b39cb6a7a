// A campaign is evidence only if it finds what is broken: each mutation of the design, and
// each of ours, is found, by the mutation's own doing, and the finding can be made small. Optimised
// builds only: shrinking runs thousands of worlds.
#include "tests/simulation/mutation.h"

#include <gtest/gtest.h>

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "tests/simulation/shrink.h"
#include "tests/simulation/world.h"

namespace tidemark::simulation {
namespace {

constexpr std::uint64_t kFirstSeed = 1;
constexpr std::uint64_t kSeedsForAMutant = 3000;

class MutationTest : public testing::TestWithParam<Mutation> {};

TEST_P(MutationTest, IsFoundAndTheFindingShrinks) {
  std::optional<Plan> failing;
  std::string violation;
  for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeedsForAMutant && !failing; ++seed) {
    Plan plan = MakePlan(seed);
    const Outcome outcome = World(plan, GetParam()).Run();
    if (outcome.ok()) continue;
    violation = outcome.violations.front();
    failing = std::move(plan);
  }
  ASSERT_TRUE(failing.has_value()) << "not found in " << kSeedsForAMutant << " seeds";
  // It is the mutation that does it: the same faults do no harm to the code as it is.
  EXPECT_TRUE(World(*failing, Mutation::kNone).Run().ok());
  const std::string property = violation.substr(0, 2);
  const std::size_t planned = failing->faults.size();
  const Plan small = Shrink(*failing, [&](const Plan& plan) {
    const Outcome outcome = World(plan, GetParam()).Run();
    return !outcome.ok() && outcome.violations.front().substr(0, 2) == property;
  });
  std::cout << "seed " << failing->seed << ", " << small.faults.size() << " of " << planned
            << " faults: " << violation.substr(0, 120) << "\n";
  EXPECT_LE(small.faults.size(), 6U);
  EXPECT_TRUE(World(small, Mutation::kNone).Run().ok());
}

std::string NameOf(const testing::TestParamInfo<Mutation>& info) {
  return absl::StrReplaceAll(std::string(kMutationNames[static_cast<std::size_t>(info.param)]),
                             {{"-", "_"}});
}

std::vector<Mutation> AllMutations() {
  std::vector<Mutation> all;
  for (std::size_t i = 1; i < kMutations; ++i) all.push_back(static_cast<Mutation>(i));
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, MutationTest, testing::ValuesIn(AllMutations()), NameOf);

}  // namespace
}  // namespace tidemark::simulation
