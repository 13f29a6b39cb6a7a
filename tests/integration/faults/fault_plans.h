// Which days to live: every call of a day once for each of some kinds, or some kinds at random
// calls, for as long as one likes.
//
// Lifetime:  value types.
// Threading: confined.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/faults/fault_run.h"
#include "tests/integration/faults/sweep.h"

namespace tidemark::faults {

struct PlanOptions {
  std::uint64_t seed = 4528;
  std::uint64_t stride = 1;  // only every so manieth call
  std::uint64_t stall_ms = 30'000;
};

// Names of kinds, with ',' between, or of all kinds (`all`), of those that kill (`kills`), of those
// that do not (`io`). Empty: one of them is no such name.
std::vector<const FaultKind*> KindsNamed(std::string_view names);

RunPlan PlanOf(const FaultKind& kind, std::uint64_t from, const PlanOptions& options);

std::vector<RunPlan> SweepOf(const std::vector<const FaultKind*>& kinds, const DayLength& day,
                             const PlanOptions& options);

// Threads overlap, so that a number is not always the same call. Those of the calls that every day
// has which have not been struck, by name.
std::vector<RunPlan> RestOf(const std::vector<const FaultKind*>& kinds, const DayLength& day,
                            const std::map<std::string, std::set<std::string>>& struck,
                            const PlanOptions& options);

// All calls for all kinds in random order, again and again. Every third day has a second fault.
class RandomPlans {
 public:
  RandomPlans(std::vector<const FaultKind*> kinds, DayLength day, const PlanOptions& options)
      : kinds_(std::move(kinds)), day_(std::move(day)), options_(options), random_(options.seed) {}

  RunPlan Next();

 private:
  void Refill();

  const std::vector<const FaultKind*> kinds_;
  const DayLength day_;
  const PlanOptions options_;
  std::mt19937_64 random_;
  std::vector<RunPlan> left_;
};

}  // namespace tidemark::faults
