#include "monitor/space_reading.h"

#include <limits>

#include "absl/strings/str_format.h"

namespace tidemark::monitor {
namespace {

constexpr std::uint64_t kInt64Max =
    static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

ReadingFault Absurd(ReadingFaultKind kind, const storage::FileSystemStat& stat) {
  return ReadingFault{
      kind, absl::StrFormat("%u blocks, %u free, %u available, of %u bytes each; %u inodes, %u "
                            "available",
                            stat.blocks_total, stat.blocks_free, stat.blocks_available,
                            stat.fragment_bytes, stat.inodes_total, stat.inodes_available)};
}

bool Fits(std::uint64_t blocks, std::uint64_t fragment_bytes) {
  return blocks <= kInt64Max / fragment_bytes;
}

// XFS subtracts what it keeps for itself from what is free. Where less than that is left it tells a
// negative number, as an unsigned one, for as long as it is so: there is nothing to be had.
bool TellsLessThanNothing(const storage::FileSystemStat& stat) {
  return stat.blocks_free == stat.blocks_available && stat.blocks_free > kInt64Max &&
         ~stat.blocks_free < stat.blocks_total;
}

}  // namespace

ReadingOutcome JudgeReading(const storage::FileSystemStat& said, base::MonotonicTime started,
                            base::MonotonicTime finished) {
  storage::FileSystemStat stat = said;
  if (TellsLessThanNothing(stat)) stat.blocks_free = stat.blocks_available = 0;
  if (stat.fragment_bytes == 0 || stat.blocks_total == 0) {
    return Absurd(ReadingFaultKind::kNoTotal, stat);
  }
  // "available > free" too: f_bfree − f_bavail is what only root may use and cannot be negative.
  if (stat.blocks_free > stat.blocks_total || stat.blocks_available > stat.blocks_free) {
    return Absurd(ReadingFaultKind::kFreeAboveTotal, stat);
  }
  const bool counts_inodes = stat.inodes_total != 0;
  if (counts_inodes && stat.inodes_available > stat.inodes_total) {
    return Absurd(ReadingFaultKind::kFreeAboveTotal, stat);
  }
  const std::uint64_t usable = stat.blocks_total - (stat.blocks_free - stat.blocks_available);
  // All blocks kept for root: there is nothing for us, and percent of it means nothing.
  if (usable == 0) return Absurd(ReadingFaultKind::kNoTotal, stat);
  if (!Fits(stat.blocks_total, stat.fragment_bytes) || stat.inodes_total > kInt64Max) {
    return Absurd(ReadingFaultKind::kOverflow, stat);
  }
  SpaceReading reading;
  reading.available_bytes = static_cast<std::int64_t>(stat.blocks_available * stat.fragment_bytes);
  reading.root_only_bytes =
      static_cast<std::int64_t>((stat.blocks_free - stat.blocks_available) * stat.fragment_bytes);
  reading.total_bytes = static_cast<std::int64_t>(usable * stat.fragment_bytes);
  reading.counts_inodes = counts_inodes;
  if (counts_inodes) {
    reading.inodes_available = static_cast<std::int64_t>(stat.inodes_available);
    reading.inodes_total = static_cast<std::int64_t>(stat.inodes_total);
  }
  reading.read_only = stat.read_only;
  reading.identity = {stat.device_id, stat.file_system_id};
  reading.type_magic = stat.type_magic;
  reading.started = started;
  reading.finished = finished;
  return reading;
}

std::string_view ReadingFaultName(ReadingFaultKind kind) {
  switch (kind) {
    case ReadingFaultKind::kFailed:
      return "reading failed";
    case ReadingFaultKind::kDeadlineMissed:
      return "deadline missed";
    case ReadingFaultKind::kNoTotal:
      return "no total";
    case ReadingFaultKind::kFreeAboveTotal:
      return "free above total";
    case ReadingFaultKind::kOverflow:
      return "too large";
  }
  return "unknown fault";
}

std::string FileSystemTypeName(std::uint64_t type_magic) {
  switch (type_magic) {
    case 0xEF53:
      return "ext4";
    case 0x58465342:
      return "xfs";
    case 0x9123683E:
      return "btrfs";
    case 0x01021994:
      return "tmpfs";
    case 0xF2F52010:
      return "f2fs";
    case 0x2FC12FC1:
      return "zfs";
    case 0x794C7630:
      return "overlay";
    case 0x6969:
      return "nfs";
    case 0x65735546:
      return "fuse";
    default:
      return absl::StrFormat("0x%x", type_magic);
  }
}

}  // namespace tidemark::monitor
