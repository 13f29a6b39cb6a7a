#include "tests/simulation/shrink.h"

#include <algorithm>
#include <utility>

namespace tidemark::simulation {

Plan Shrink(Plan plan, const std::function<bool(const Plan&)>& fails) {
  std::size_t piece = std::max<std::size_t>(1, plan.faults.size() / 2);
  for (;;) {
    bool dropped = false;
    for (std::size_t begin = 0; begin < plan.faults.size();) {
      Plan smaller = plan;
      const auto first = smaller.faults.begin() + static_cast<std::ptrdiff_t>(begin);
      const std::size_t count = std::min(piece, plan.faults.size() - begin);
      smaller.faults.erase(first, first + static_cast<std::ptrdiff_t>(count));
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

}  // namespace tidemark::simulation
