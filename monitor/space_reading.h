// One look at a filesystem, judged: what statvfs(3) said, turned into what may be believed.
//
// Pure arithmetic; the system call is in monitor/statvfs_probe.h. An absurd answer is no reading:
// it is a fault, and a fault never opens a gate.
//
// Lifetime:  value types, hold no references.
// Threading: none of its own.
// Errors:    a ReadingFault instead of a SpaceReading, with the numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "storage/fs/file_system.h"

namespace tidemark::monitor {

// What a mount is known by while the process runs. The third part of a volume's identity, its UUID,
// is in the marker file and checked where that is read.
struct VolumeIdentity {
  std::uint64_t device_id = 0;
  std::uint64_t file_system_id = 0;

  bool operator==(const VolumeIdentity&) const = default;
};

struct SpaceReading {
  // f_bavail × f_frsize: what this unprivileged process may use, never f_bfree.
  std::int64_t available_bytes = 0;
  // (f_bfree − f_bavail) × f_frsize: free, but for root alone.
  std::int64_t root_only_bytes = 0;
  // What root has taken of it where nothing else was left, and must be freed before anything is
  // available. No reading shows it: told by who remembers root_only_bytes of an earlier one.
  std::int64_t below_zero_bytes = 0;
  // (f_blocks − (f_bfree − f_bavail)) × f_frsize, so that percentages agree with df.
  std::int64_t total_bytes = 0;
  std::int64_t inodes_available = 0;
  std::int64_t inodes_total = 0;
  bool counts_inodes = false;  // false where f_files == 0 (btrfs): both are 0 and limit nothing
  bool read_only = false;
  VolumeIdentity identity;
  std::uint64_t type_magic = 0;
  // When it began, with the sync before it, and when the system call returned. Only what happened
  // before `started` is certain to be in the numbers.
  base::MonotonicTime started;
  base::MonotonicTime finished;
  // How much of that was the sync: btrfs, with everybody's data.
  base::Duration synced_for{0};

  bool operator==(const SpaceReading&) const = default;
};

enum class ReadingFaultKind : std::uint8_t {
  kFailed = 1,          // the system call gave an error
  kDeadlineMissed = 2,  // it has not answered in time
  kNoTotal = 3,         // total of 0 (what /proc says, and a dying mount)
  kFreeAboveTotal = 4,  // available > free, or free > total
  kOverflow = 5,        // blocks × block size does not fit 63 bits
};

struct ReadingFault {
  ReadingFaultKind kind = ReadingFaultKind::kFailed;
  std::string detail;

  bool operator==(const ReadingFault&) const = default;
};

using ReadingOutcome = std::variant<SpaceReading, ReadingFault>;

ReadingOutcome JudgeReading(const storage::FileSystemStat& said, base::MonotonicTime started,
                            base::MonotonicTime finished);

std::string_view ReadingFaultName(ReadingFaultKind kind);  // "free above total"
// "ext4", "xfs", "btrfs", "tmpfs", …, or the magic number in hex.
std::string FileSystemTypeName(std::uint64_t type_magic);

}  // namespace tidemark::monitor
