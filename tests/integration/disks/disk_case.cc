#include "tests/integration/disks/disk_case.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace tidemark::disks {
namespace {

using Kind = support::SmallVolume::Kind;
using base::kMiB;

constexpr std::int64_t kInodes = 640;
constexpr std::int64_t kXfsInodes = 1600;  // the least it can be told: a hundredth of its blocks

// Where the number of inodes is limited, xfs counts them on each CPU by itself, and adds up the
// 128s: it refuses a new chunk of 64 by a sum that may be so far off.
std::int64_t XfsPhantomInodes() { return 64 + 128 * std::int64_t{::get_nprocs_conf()}; }

// 32 MiB: a group, with its inodes, per growth.
constexpr std::int64_t kBlocksPerGroup = 8192;

const std::array<DiskCase, 10>& Cases() {
  static const std::array<DiskCase, 10> cases = {{
      {"tmpfs-bytes", Cause::kBytes, {.kind = Kind::kTmpfs, .size_bytes = 64 * kMiB}},
      {"tmpfs-inodes",
       Cause::kInodes,
       {.kind = Kind::kTmpfs, .size_bytes = 64 * kMiB, .inodes = kInodes}},
      {"ext4-bytes", Cause::kBytes, {.kind = Kind::kExt4, .size_bytes = 64 * kMiB}},
      {"ext4-inodes",
       Cause::kInodes,
       {.kind = Kind::kExt4,
        .size_bytes = 64 * kMiB,
        .inodes = kInodes,
        .blocks_per_group = kBlocksPerGroup}},
      {"ext4-reserved",
       Cause::kReserved,
       {.kind = Kind::kExt4, .size_bytes = 96 * kMiB, .reserved_percent = 10}},
      {"xfs-bytes", Cause::kBytes, {.kind = Kind::kXfs, .size_bytes = 320 * kMiB}},
      {.name = "xfs-inodes",
       .cause = Cause::kInodes,
       .volume = {.kind = Kind::kXfs,
                  .size_bytes = 320 * kMiB,
                  .inodes = kXfsInodes + XfsPhantomInodes()},
       .phantom_inodes = XfsPhantomInodes()},
      {"btrfs-bytes", Cause::kBytes, {.kind = Kind::kBtrfs, .size_bytes = 256 * kMiB}},
      {"btrfs-quota",
       Cause::kQuota,
       {.kind = Kind::kBtrfs, .size_bytes = 256 * kMiB, .quota_bytes = 48 * kMiB}},
      {"ext4-thin",
       Cause::kThin,
       {.kind = Kind::kExt4, .size_bytes = 96 * kMiB, .backed_bytes = 20 * kMiB},
       64 * kMiB},
  }};
  return cases;
}

}  // namespace

std::span<const DiskCase> AllCases() { return Cases(); }

const DiskCase* FindCase(std::string_view name) {
  const auto found = std::ranges::find(Cases(), name, &DiskCase::name);
  return found == Cases().end() ? nullptr : &*found;
}

CyclePlan PlanOf(const DiskCase& disk_case, int number) {
  // Each case begins elsewhere, so that also five cycles of each meet every pair.
  const auto begin = static_cast<int>(&disk_case - Cases().data());
  const int turn = number + begin;
  constexpr int kKillEvery = 3;
  auto cure = static_cast<Cure>(turn % kCures);
  // What is trimmed or expired on a thin volume stays with it: only others can give.
  const bool thin = disk_case.cause == Cause::kThin;
  if (thin) {
    cure = number % 2 == 0 ? Cure::kForeignDelete : Cure::kGrown;
  }
  return {.cure = cure,
          .competitor = (turn + turn / kCures) % 2 == 1,
          .kill_agent = thin || number % kKillEvery == kKillEvery - 1};
}

std::string_view CauseName(Cause cause) {
  static constexpr std::string_view kNames[] = {"bytes", "inodes", "reserved", "quota", "thin"};
  return kNames[static_cast<std::size_t>(cause)];
}

std::string_view CureName(Cure cure) {
  static constexpr std::string_view kNames[] = {"trim", "retention", "foreign_delete", "grown"};
  return kNames[static_cast<std::size_t>(cure)];
}

}  // namespace tidemark::disks
