// The two real cores against each other in a hostile world. A failing seed is printed; run it alone
// with TIDEMARK_SIM_SEED=n.
#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/strings/str_join.h"
#include "tests/sc/core/link_simulator.h"

namespace tidemark::sc {
namespace {

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::vector<std::string> RunSeed(std::uint64_t seed, SimSpu::Bugs bugs = {}) {
  LinkSimulator simulator(seed, bugs);
  simulator.Settle(std::chrono::milliseconds(500));
  for (int i = 0; i < 200 && simulator.checker().violations().empty(); ++i) {
    simulator.HostileStep();
  }
  if (simulator.checker().violations().empty()) simulator.HealAndCompare();
  return simulator.checker().violations();
}

// The first seed that shows the bug; 0 if none does.
std::uint64_t FindBadSeed(SimSpu::Bugs bugs) {
  constexpr std::uint64_t kSeeds = 60;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    if (!RunSeed(seed, bugs).empty()) return seed;
  }
  return 0;
}

TEST(LinkSimulationTest, TheInvariantsHoldThroughLossReplayCrashesAndWipes) {
  const std::uint64_t only = FromEnvironment("TIDEMARK_SIM_SEED", 0);
  const std::uint64_t seeds = FromEnvironment("TIDEMARK_SIM_SEEDS", 200);
  const std::uint64_t first = only != 0 ? only : 1;
  const std::uint64_t last = only != 0 ? only : seeds;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const auto violations = RunSeed(seed);
    ASSERT_TRUE(violations.empty())
        << "TIDEMARK_SIM_SEED=" << seed << "\n  " << absl::StrJoin(violations, "\n  ");
  }
  std::printf("seeds %llu to %llu\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(last));
}

// A simulation is evidence only if it sees what is broken.
TEST(LinkSimulationTest, SeesAnSpuThatTellsBeforeItIsDurable) {
  EXPECT_NE(FindBadSeed({.tells_before_durable = true}), 0u);
}

TEST(LinkSimulationTest, SeesAnSpuThatDoesNotFastForwardAfterAWipe) {
  EXPECT_NE(FindBadSeed({.ignores_wiped = true}), 0u);
}

TEST(LinkSimulationTest, SeesAnSpuThatIgnoresARefusedProof) {
  EXPECT_NE(FindBadSeed({.ignores_proof_refused = true}), 0u);
}

}  // namespace
}  // namespace tidemark::sc
