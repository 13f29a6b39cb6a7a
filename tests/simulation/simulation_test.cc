// A short campaign under the sanitizers. The long ones run optimised: mutation_test.cc and the
// campaign of CMakeLists.txt, scripts/soak simulation.
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "tests/simulation/campaign.h"

namespace tidemark::simulation {
namespace {

constexpr std::uint64_t kFirstSeed = 1;

TEST(SimulationTest, NoOrderOfFaultsBreaksThePromise) {
  const CampaignResult result = RunCampaign({.first_seed = kFirstSeed, .seeds = 75});
  EXPECT_FALSE(result.failing_seed.has_value())
      << "tidemark-simulate --seed " << result.failing_seed.value_or(0) << " --story\n  "
      << absl::StrJoin(result.violations, "\n  ");
  std::cout << "seeds from " << kFirstSeed << ": " << result.tally.events << " events, "
            << result.tally.faults << " faults\n";
  // A world in which nothing happens proves nothing.
  EXPECT_GT(result.tally.seen.episodes_ended, 100U);
  EXPECT_GT(result.tally.seen.out_of_space_shown, 100U);
  EXPECT_GT(result.tally.seen.online_shown, 300U);
  EXPECT_GT(result.tally.seen.writes_admitted, 5000U);
  EXPECT_GT(result.tally.ended_full, 3U);
  EXPECT_GT(result.tally.ended_held, 3U);
}

TEST(SimulationTest, TheSamePlanGivesTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Plan plan = MakePlan(seed);
    std::vector<std::string> first;
    std::vector<std::string> second;
    const Outcome once =
        World(plan, Mutation::kNone, [&](const std::string& line) { first.push_back(line); }).Run();
    const Outcome again = World(plan, Mutation::kNone, [&](const std::string& line) {
                            second.push_back(line);
                          }).Run();
    EXPECT_EQ(once.events, again.events);
    EXPECT_EQ(first, second);
  }
}

TEST(TallyTest, IsVoidWhereAFaultNeverFiredInManyRuns) {
  Tally tally;
  tally.seeds = kRunsThatMeetAll;
  tally.fired.fill(1);
  EXPECT_TRUE(tally.Void().empty());
  tally.fired[static_cast<std::size_t>(FaultKind::kPowerCut)] = 0;
  EXPECT_EQ(tally.Void(), std::vector<std::string>{"power cut"});
  tally.seeds = kRunsThatMeetAll - 1;
  EXPECT_TRUE(tally.Void().empty());
}

}  // namespace
}  // namespace tidemark::simulation
