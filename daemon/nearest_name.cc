#include "daemon/nearest_name.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace tidemark::daemon {
namespace {

// A swap of neighbours counts once, as the other slips do.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  // rows[i % 3][j]: distance of the first i letters of a to the first j of b.
  std::vector<std::vector<std::size_t>> rows(3, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i - 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
      }
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::optional<std::string> NearestName(std::string_view text, std::span<const std::string> known) {
  const std::size_t farthest = std::max<std::size_t>(1, text.size() / 3);
  std::optional<std::string> nearest;
  std::size_t nearest_distance = farthest + 1;
  for (const std::string& name : known) {
    const std::size_t distance = EditDistance(text, name);
    if (distance < nearest_distance) {
      nearest = name;
      nearest_distance = distance;
    }
  }
  return nearest;
}

}  // namespace tidemark::daemon
