#include "sc/core/placement.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "base/byte_size.h"

namespace tidemark::sc {
namespace {

bool Eligible(const PlacementVolume& volume) {
  return volume.up && volume.hold.empty() && volume.has_reading && volume.step_bytes > 0;
}

// The room each partition would share in, were one more placed here: big volumes take more
// partitions, and a volume with many is left alone. Then the fewest, then a fixed order.
bool Better(const PlacementVolume& a, const PlacementVolume& b) {
  const auto share = [](const PlacementVolume& v) {
    return absl::int128(v.free_steps()) * v.step_bytes / (v.partitions + 1);
  };
  const auto share_a = share(a);
  const auto share_b = share(b);
  return std::tie(share_b, a.partitions, a.spu_id, a.uuid) <
         std::tie(share_a, b.partitions, b.spu_id, b.uuid);
}

// Those with the most room first. Not all of a large fleet: an error's text travels as metadata,
// and gRPC drops the whole answer where that exceeds 8 KiB.
std::string DescribeAll(std::vector<PlacementVolume> volumes) {
  constexpr std::size_t kDescribed = 8;
  std::stable_sort(volumes.begin(), volumes.end(),
                   [](const auto& a, const auto& b) { return a.free_steps() > b.free_steps(); });
  std::string all;
  for (std::size_t i = 0; i < std::min(volumes.size(), kDescribed); ++i) {
    if (!all.empty()) all += "; ";
    all += volumes[i].Describe();
  }
  if (volumes.size() > kDescribed) {
    absl::StrAppendFormat(&all, "; and %d volumes with no more room than these",
                          volumes.size() - kDescribed);
  }
  return all.empty() ? "no volume is known" : all;
}

}  // namespace

std::int64_t PlacementVolume::promised_steps() const {
  return std::max<std::int64_t>(0, partitions - steps_seen);
}

std::int64_t PlacementVolume::free_steps() const {
  if (!Eligible(*this)) return 0;
  // Whatever numbers a report has: none of them may turn over.
  const absl::int128 room =
      absl::int128(available_bytes) - full_bytes - absl::int128(promised_steps()) * step_bytes;
  if (room <= 0) return 0;
  const absl::int128 steps = room / step_bytes;
  return static_cast<std::int64_t>(
      std::min<absl::int128>(steps, std::numeric_limits<std::int64_t>::max()));
}

std::string PlacementVolume::Describe() const {
  const std::string name = absl::StrFormat("%s:%s", spu_id, path.empty() ? uuid.ToString() : path);
  if (!up) return absl::StrFormat("%s is not reachable", name);
  if (!has_reading) return absl::StrFormat("%s has reported no reading yet", name);
  if (step_bytes <= 0) return absl::StrFormat("%s has reported no step size", name);
  const std::string numbers =
      absl::StrFormat("available %s, full mark %s, step %s, promised %d steps",
                      base::FormatByteSize(available_bytes), base::FormatByteSize(full_bytes),
                      base::FormatByteSize(step_bytes), promised_steps());
  if (!hold.empty()) return absl::StrFormat("%s is held (%s): %s", name, hold, numbers);
  return absl::StrFormat("%s: %s", name, numbers);
}

absl::StatusOr<std::vector<PlacementChoice>> PlacePartitions(std::vector<PlacementVolume> volumes,
                                                             std::int32_t count) {
  if (count < 1) {
    return absl::InvalidArgumentError(
        absl::StrFormat("place %d partitions refused: at least 1", count));
  }
  std::sort(volumes.begin(), volumes.end(), [](const auto& a, const auto& b) {
    return std::tie(a.spu_id, a.uuid) < std::tie(b.spu_id, b.uuid);
  });
  const std::vector<PlacementVolume> before = volumes;
  if (std::none_of(volumes.begin(), volumes.end(), Eligible)) {
    const bool full = std::any_of(volumes.begin(), volumes.end(),
                                  [](const PlacementVolume& v) { return v.up && v.space_held; });
    return absl::Status(
        full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kFailedPrecondition,
        absl::StrFormat("place %d partitions refused: no volume may take one (%s)", count,
                        DescribeAll(before)));
  }
  // A heap: only the volume that was chosen changes. The fleet may be large and the loop waits.
  std::vector<PlacementVolume*> ranked;
  for (PlacementVolume& volume : volumes) ranked.push_back(&volume);
  const auto ranks_below = [](const PlacementVolume* a, const PlacementVolume* b) {
    // A volume without room ranks below every other.
    if ((a->free_steps() > 0) != (b->free_steps() > 0)) return b->free_steps() > 0;
    return Better(*b, *a);
  };
  std::make_heap(ranked.begin(), ranked.end(), ranks_below);
  std::vector<PlacementChoice> choices;
  choices.reserve(static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) {
    std::pop_heap(ranked.begin(), ranked.end(), ranks_below);
    PlacementVolume& best = *ranked.back();
    if (best.free_steps() < 1) {
      return absl::ResourceExhaustedError(absl::StrFormat(
          "place %d partitions refused: room for %d of them (%s)", count, i, DescribeAll(before)));
    }
    choices.push_back({best.spu_id, best.uuid});
    ++best.partitions;
    std::push_heap(ranked.begin(), ranked.end(), ranks_below);
  }
  return choices;
}

}  // namespace tidemark::sc
