#include "cli/space_bar.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace tidemark::cli {
namespace {

// The character at which `used_bytes` of `total_bytes` ends.
std::size_t PlaceOf(std::int64_t used_bytes, std::int64_t total_bytes, std::size_t width) {
  const double part = static_cast<double>(std::clamp<std::int64_t>(used_bytes, 0, total_bytes)) /
                      static_cast<double>(total_bytes);
  return std::min(width, static_cast<std::size_t>(part * static_cast<double>(width)));
}

}  // namespace

std::string SpaceBar(const space::v1::Reading& reading, const space::v1::Marks& marks,
                     std::size_t width) {
  const std::int64_t total = reading.total_bytes();
  if (total <= 0) return absl::StrFormat("[%s]", std::string(width, '?'));
  const std::size_t used = PlaceOf(total - reading.available_bytes(), total, width);
  std::string bar = std::string(used, '#') + std::string(width - used, '.');
  const auto mark = [&](std::int64_t free_bytes, char letter) {
    if (free_bytes <= 0) return;
    bar[std::min(PlaceOf(total - free_bytes, total, width), width - 1)] = letter;
  };
  // The mark that matters most is drawn last, over the others where the bar is too short for all.
  mark(marks.low_bytes(), 'L');
  mark(marks.resume_bytes(), 'R');
  mark(marks.full_bytes(), 'F');
  return absl::StrFormat("[%s]", bar);
}

}  // namespace tidemark::cli
