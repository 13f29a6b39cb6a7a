// The identity of a volume: a small file that only `format` writes, once. A directory without it is
// no volume: an unmounted disk falls through to the root filesystem, which looks empty and free.
//
// Layout: monitor/FORMAT.md.
//
// Lifetime:  value type.
// Threading: any; ReadVolumeMarker blocks on the disk.
// Errors:    kFailedPrecondition where there is no marker, kDataLoss where it is damaged,
//            kUnimplemented where it is of a later version, else errno statuses.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "monitor/volume_layout.h"
#include "storage/fs/file_system.h"

namespace tidemark::monitor {

struct VolumeMarker {
  base::Uuid uuid;
  std::int64_t capacity_bytes = 0;  // seen at format; the default sizes derive from it
  base::WallMillis formatted_at = 0;
  bool operator==(const VolumeMarker&) const = default;
};

inline constexpr std::size_t kVolumeMarkerBytes = 64;

std::vector<std::byte> EncodeVolumeMarker(const VolumeMarker& marker);
absl::StatusOr<VolumeMarker> DecodeVolumeMarker(std::span<const std::byte> bytes);

absl::StatusOr<VolumeMarker> ReadVolumeMarker(storage::FileSystem& file_system,
                                              const VolumeLayout& layout);

}  // namespace tidemark::monitor
