#include "monitor/volume_marker.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/strings/str_format.h"
#include "base/crc32c.h"
#include "base/errno_status.h"
#include "base/fixed_int.h"
#include "base/status_macros.h"

namespace tidemark::monitor {
namespace {

constexpr char kMagic[8] = {'T', 'M', 'V', 'O', 'L', 'U', 'M', 'E'};
constexpr std::uint32_t kMarkerVersion = 1;
constexpr std::size_t kCrcAt = 8;
constexpr std::size_t kVersionAt = 12;
constexpr std::size_t kUuidAt = 16;
constexpr std::size_t kCapacityAt = 32;
constexpr std::size_t kFormattedAt = 40;

}  // namespace

std::vector<std::byte> EncodeVolumeMarker(const VolumeMarker& marker) {
  std::vector<std::byte> bytes(kVolumeMarkerBytes);
  std::memcpy(bytes.data(), kMagic, sizeof kMagic);
  base::StoreLittleEndian(kMarkerVersion, &bytes[kVersionAt]);
  std::memcpy(&bytes[kUuidAt], marker.uuid.bytes().data(), marker.uuid.bytes().size());
  base::StoreLittleEndian(static_cast<std::uint64_t>(marker.capacity_bytes), &bytes[kCapacityAt]);
  base::StoreLittleEndian(static_cast<std::uint64_t>(marker.formatted_at), &bytes[kFormattedAt]);
  base::StoreLittleEndian(base::Crc32c(std::span(bytes).subspan(kVersionAt)), &bytes[kCrcAt]);
  return bytes;
}

absl::StatusOr<VolumeMarker> DecodeVolumeMarker(std::span<const std::byte> bytes) {
  if (bytes.size() != kVolumeMarkerBytes) {
    return absl::DataLossError(
        absl::StrFormat("volume marker has %d of %d bytes", bytes.size(), kVolumeMarkerBytes));
  }
  if (std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) {
    return absl::DataLossError("volume marker does not start with TMVOLUME");
  }
  if (base::LoadLittleEndian<std::uint32_t>(&bytes[kCrcAt]) !=
      base::Crc32c(bytes.subspan(kVersionAt))) {
    return absl::DataLossError("volume marker fails its checksum");
  }
  const auto version = base::LoadLittleEndian<std::uint32_t>(&bytes[kVersionAt]);
  if (version != kMarkerVersion) {
    return absl::UnimplementedError(absl::StrFormat(
        "volume marker has version %d, this program reads version %d", version, kMarkerVersion));
  }
  std::array<std::uint8_t, 16> uuid;
  std::memcpy(uuid.data(), &bytes[kUuidAt], uuid.size());
  return VolumeMarker{
      .uuid = base::Uuid(uuid),
      .capacity_bytes =
          static_cast<std::int64_t>(base::LoadLittleEndian<std::uint64_t>(&bytes[kCapacityAt])),
      .formatted_at = static_cast<base::WallMillis>(
          base::LoadLittleEndian<std::uint64_t>(&bytes[kFormattedAt])),
  };
}

absl::StatusOr<VolumeMarker> ReadVolumeMarker(storage::FileSystem& file_system,
                                              const VolumeLayout& layout) {
  auto file = file_system.Open(layout.marker(), storage::OpenMode::kRead);
  if (absl::IsNotFound(file.status())) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "'%s' is not a Tidemark volume: it has no %s (not mounted, or never formatted: "
        "tidemark-spu format %s)",
        layout.directory(), VolumeLayout::kMarkerName, layout.directory()));
  }
  if (!file.ok()) return file.status();
  std::array<std::byte, kVolumeMarkerBytes + 1> bytes;  // one more, to see a file that is too long
  TM_ASSIGN_OR_RETURN(const std::size_t got, (*file)->ReadAt(base::FilePosition(0), bytes));
  auto marker = DecodeVolumeMarker(std::span(bytes).first(got));
  if (!marker.ok()) return base::Annotate(marker.status(), layout.marker());
  return marker;
}

}  // namespace tidemark::monitor
