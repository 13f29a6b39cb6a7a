// The matrix as data: which filesystems run out of what, and how each shortage may end.
//
// A case is one filesystem and one cause; its cycles take the cures in turn, and every second one
// lets a competitor take what becomes free.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/byte_size.h"
#include "tests/support/small_volume.h"

namespace tidemark::disks {

enum class Cause : std::uint8_t {
  kBytes,
  kInodes,
  kReserved,  // blocks are free, but only root may use them
  kQuota,     // statvfs shows plenty, an allocation meets EDQUOT
  kThin,      // an allocation succeeds, the sync meets ENOSPC: a matter of the device
};

enum class Cure : std::uint8_t { kTrim, kRetention, kForeignDelete, kGrown };
inline constexpr int kCures = 4;

struct DiskCase {
  std::string_view name;
  Cause cause = Cause::kBytes;
  support::SmallVolume::Options volume;
  std::int64_t thin_pool_bytes = 0;  // kThin: how much of the volume can really be there
  // The filesystem may show so many inodes more than it gives: the marks lie as much higher.
  std::int64_t phantom_inodes = 0;

  std::int64_t full_inodes() const { return phantom_inodes + 10; }
  std::int64_t resume_inodes() const { return phantom_inodes + 16; }
  std::int64_t low_inodes() const { return phantom_inodes + 24; }
};

// The nine of the matrix and the thin volume.
std::span<const DiskCase> AllCases();
const DiskCase* FindCase(std::string_view name);

// What cycle `number` of a case does, the first being 0.
struct CyclePlan {
  Cure cure = Cure::kTrim;
  bool competitor = false;
  bool kill_agent = false;  // while full: kill -9, and a start
};
CyclePlan PlanOf(const DiskCase& disk_case, int number);

std::string_view CauseName(Cause cause);
std::string_view CureName(Cure cure);

// The marks of every volume here: small, so that a cycle is short, and the same everywhere.
inline constexpr std::int64_t kFullBytes = 4 * base::kMiB;
inline constexpr std::int64_t kResumeBytes = 6 * base::kMiB;
inline constexpr std::int64_t kLowBytes = 8 * base::kMiB;
inline constexpr std::int64_t kReserveBytes = 4 * base::kMiB;
inline constexpr std::int64_t kStepBytes = 256 * base::kKiB;
inline constexpr std::int64_t kSegmentBytes = 512 * base::kKiB;
// What may be written from the beginning of a cycle until the volume is full.
inline constexpr std::int64_t kHeadroomBytes = 10 * base::kMiB;
inline constexpr std::int64_t kGrowthBytes = 32 * base::kMiB;

}  // namespace tidemark::disks
