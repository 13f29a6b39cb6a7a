#include "tests/integration/faults/fault_plans.h"

#include <algorithm>

#include "absl/strings/str_split.h"

namespace tidemark::faults {
namespace {

bool Answers(const FaultKind& kind, std::string_view name) {
  return name == "all" || name == kind.name || (name == "kills" && kind.kills()) ||
         (name == "io" && !kind.kills());
}

}  // namespace

std::vector<const FaultKind*> KindsNamed(std::string_view names) {
  std::vector<const FaultKind*> kinds;
  const std::string list(names);
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(list, ','))) {
    const std::size_t before = kinds.size();
    for (const FaultKind& kind : FaultKinds()) {
      if (Answers(kind, name)) kinds.push_back(&kind);
    }
    if (kinds.size() == before) return {};
  }
  return kinds;
}

RunPlan PlanOf(const FaultKind& kind, std::uint64_t from, const PlanOptions& options) {
  RunPlan plan;
  plan.kind = &kind;
  plan.from = from;
  plan.seed = options.seed + from;
  plan.stall_ms = options.stall_ms;
  return plan;
}

std::vector<RunPlan> SweepOf(const std::vector<const FaultKind*>& kinds, const DayLength& day,
                             const PlanOptions& options) {
  std::vector<RunPlan> plans;
  for (const FaultKind* kind : kinds) {
    const std::vector<std::uint64_t> numbers = day.NumbersFor(*kind);
    for (std::size_t i = 0; i < numbers.size(); i += options.stride) {
      plans.push_back(PlanOf(*kind, numbers[i], options));
      // There is no time in a sweep to look twice where nothing was cut short.
      plans.back().starts_twice = kind->kills();
    }
  }
  return plans;
}

std::vector<RunPlan> RestOf(const std::vector<const FaultKind*>& kinds, const DayLength& day,
                            const std::map<std::string, std::set<std::string>>& struck,
                            const PlanOptions& options) {
  std::vector<RunPlan> plans;
  for (const FaultKind* kind : kinds) {
    const auto found = struck.find(std::string(kind->name));
    for (const std::string& name : day.NamesFor(*kind)) {
      if (found != struck.end() && found->second.contains(name)) continue;
      plans.push_back(PlanOf(*kind, 1, options));
      plans.back().only = ParseCallName(name);
      plans.back().starts_twice = kind->kills();
    }
  }
  return plans;
}

RunPlan RandomPlans::Next() {
  if (left_.empty()) Refill();
  RunPlan plan = left_.back();
  left_.pop_back();
  plan.seed = random_();
  constexpr std::uint64_t kApartMax = 40;
  if (random_() % 3 == 0) {
    const FaultKind* second = kinds_[random_() % kinds_.size()];
    // One stall is long enough.
    if (second->deed != Deed::kStall) plan.second = second;
    plan.second_after = 1 + random_() % kApartMax;
  }
  return plan;
}

void RandomPlans::Refill() {
  for (const FaultKind* kind : kinds_) {
    std::vector<std::uint64_t> numbers = day_.NumbersFor(*kind);
    std::ranges::shuffle(numbers, random_);
    // A stall takes as long as a hundred other runs.
    constexpr std::size_t kStalls = 4;
    if (kind->deed == Deed::kStall) numbers.resize(std::min(numbers.size(), kStalls));
    for (const std::uint64_t number : numbers) left_.push_back(PlanOf(*kind, number, options_));
  }
  std::ranges::shuffle(left_, random_);
}

}  // namespace tidemark::faults
