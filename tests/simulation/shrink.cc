#include "tests/simulation/shrink.h"

#include <algorithm>
#include <utility>

namespace tidemark::simulation {
namespace {

using Fails = std::function<bool(const Plan&)>;

Plan Without(const Plan& plan, std::size_t begin, std::size_t count) {
  Plan smaller = plan;
  const auto first = smaller.faults.begin() + static_cast<std::ptrdiff_t>(begin);
  smaller.faults.erase(first, first + static_cast<std::ptrdiff_t>(count));
  return smaller;
}

// Runs of neighbours, from halves down to single faults.
Plan DropRuns(Plan plan, const Fails& fails) {
  std::size_t piece = std::max<std::size_t>(1, plan.faults.size() / 2);
  for (;;) {
    bool dropped = false;
    for (std::size_t begin = 0; begin < plan.faults.size();) {
      Plan smaller = Without(plan, begin, std::min(piece, plan.faults.size() - begin));
      if (fails(smaller)) {
        plan = std::move(smaller);
        dropped = true;
      } else {
        begin += piece;
      }
    }
    if (piece == 1 && !dropped) return plan;
    if (!dropped) piece = std::max<std::size_t>(1, piece / 2);
  }
}

// The first two that can go together; false if there are none.
bool DropPair(Plan& plan, const Fails& fails) {
  for (std::size_t first = 0; first < plan.faults.size(); ++first) {
    for (std::size_t second = first + 1; second < plan.faults.size(); ++second) {
      Plan smaller = Without(Without(plan, second, 1), first, 1);
      if (!fails(smaller)) continue;
      plan = std::move(smaller);
      return true;
    }
  }
  return false;
}

}  // namespace

Plan Shrink(Plan plan, const Fails& fails) {
  do {
    plan = DropRuns(std::move(plan), fails);
  } while (DropPair(plan, fails));
  return plan;
}

}  // namespace tidemark::simulation
