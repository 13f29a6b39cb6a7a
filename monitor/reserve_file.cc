#include "monitor/reserve_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_format.h"
#include "base/block.h"
#include "base/errno_status.h"
#include "base/fixed_int.h"
#include "base/status_macros.h"

namespace tidemark::monitor {
namespace {

using base::kBlockBytes;
using base::RoundUpToBlock;
using storage::File;
using storage::OpenMode;

using Block = std::array<std::byte, kBlockBytes>;

Block LastBlock(std::int64_t size, std::uint64_t write_number) {
  constexpr char kMagic[8] = {'T', 'M', 'R', 'E', 'S', 'E', 'R', 'V'};
  Block block{};
  std::memcpy(block.data(), kMagic, sizeof kMagic);
  base::StoreLittleEndian(static_cast<std::uint64_t>(size), &block[8]);
  base::StoreLittleEndian(write_number, &block[16]);
  return block;
}

}  // namespace

ReserveFile::ReserveFile(storage::FileSystem& file_system, const VolumeLayout& layout)
    : file_system_(file_system), layout_(layout) {}

absl::StatusOr<std::int64_t> ReserveFile::HeldBytes() const {
  const auto stat = file_system_.Stat(layout_.reserve());
  if (absl::IsNotFound(stat.status())) return 0;
  if (!stat.ok()) return stat.status();
  return std::min(stat->size, stat->allocated_bytes);
}

ReserveResult ReserveFile::ResultOf(const Outcome& outcome, std::int64_t held_before) const {
  ReserveResult result;
  // What can no longer be asked for is not held.
  result.held_bytes = HeldBytes().value_or(0);
  result.taken_bytes = std::max<std::int64_t>(0, result.held_bytes - held_before);
  if (outcome.has_value()) {
    result.status = outcome->status;
    result.operation = outcome->operation;
  }
  return result;
}

ReserveResult ReserveFile::Take(std::int64_t bytes) {
  const std::int64_t wanted = RoundUpToBlock(bytes);
  const std::int64_t held = HeldBytes().value_or(0);
  Outcome outcome = TakeAtLeast(wanted);
  if (outcome.has_value()) {
    outcome->status = base::Annotate(
        outcome->status, absl::StrFormat("take reserve of %d bytes, %d held", wanted, held));
  }
  return ResultOf(outcome, held);
}

ReserveFile::Outcome ReserveFile::TakeAtLeast(std::int64_t bytes) {
  auto file = file_system_.Open(layout_.reserve(), OpenMode::kReadWrite);
  const bool is_new = absl::IsNotFound(file.status());
  if (is_new) file = file_system_.Open(layout_.reserve(), OpenMode::kCreate);
  if (!file.ok()) return Failure{DiskOperation::kAllocate, file.status()};
  const auto before = (*file)->Stat();
  if (!before.ok()) return Failure{DiskOperation::kStat, before.status()};

  // Whole and long enough already: still rewritten and read back, because held is what can be
  // shown.
  const std::int64_t size = std::max(bytes, before->size);
  const std::int64_t held = std::min(before->size, before->allocated_bytes);
  Outcome outcome = held >= size ? ProveLastBlock(**file, size) : Grow(**file, before->size, size);
  if (!outcome.has_value() || held >= size) return outcome;

  // ext4 keeps the extents of a failed allocation: give them back.
  const absl::Status undone =
      held == 0 ? file_system_.RemoveFile(layout_.reserve()) : (*file)->Truncate(before->size);
  if (!undone.ok()) outcome->status = base::Annotate(outcome->status, undone.ToString());
  return outcome;
}

ReserveFile::Outcome ReserveFile::Grow(File& file, std::int64_t from, std::int64_t to) {
  if (from == 0) {
    // btrfs: to rewrite the last block must need no new one. Elsewhere there is no such flag.
    const absl::Status no_cow = file.SetNoCow();
    if (!no_cow.ok() && !absl::IsUnimplemented(no_cow)) {
      return Failure{DiskOperation::kAllocate, no_cow};
    }
  }
  // From 0: a hole in what should be held is filled as well.
  if (absl::Status status = file.Allocate(base::FilePosition(0), to); !status.ok()) {
    return Failure{DiskOperation::kAllocate, status};
  }
  if (Outcome outcome = ProveLastBlock(file, to); outcome.has_value()) return outcome;
  if (absl::Status status = file_system_.SyncDirectory(layout_.directory()); !status.ok()) {
    return Failure{DiskOperation::kSync, status};
  }
  const auto stat = file.Stat();
  if (!stat.ok()) return Failure{DiskOperation::kStat, stat.status()};
  if (stat->size == to && stat->allocated_bytes >= to) return std::nullopt;
  return Failure{
      DiskOperation::kAllocate,
      absl::DataLossError(absl::StrFormat(
          "reserve '%s' was allocated with success, but has %d of %d bytes, %d allocated",
          file.path(), stat->size, to, stat->allocated_bytes))};
}

ReserveFile::Outcome ReserveFile::ProveLastBlock(File& file, std::int64_t size) {
  const base::FilePosition position(size - kBlockBytes);
  Block block = LastBlock(size, ++writes_);
  const iovec slice{block.data(), block.size()};
  if (absl::Status status = file.WriteAt(position, {&slice, 1}); !status.ok()) {
    // Into allocated space: a failure is the device's. But a quota of btrfs counts the metadata of
    // any write; one that it refuses has changed nothing.
    const bool by_quota = base::ErrnoOf(status) == EDQUOT;
    return Failure{by_quota ? DiskOperation::kAllocate : DiskOperation::kJournal, status};
  }
  // fsync, not fdatasync: the allocation itself must survive a power cut.
  if (absl::Status status = file.SyncAll(); !status.ok()) {
    return Failure{DiskOperation::kSync, status};
  }
  const auto reader = file_system_.Open(layout_.reserve(), OpenMode::kReadDirect);
  if (!reader.ok()) return Failure{DiskOperation::kRead, reader.status()};
  alignas(kBlockBytes) Block seen{};
  const auto got = (*reader)->ReadAt(position, seen);
  if (!got.ok()) return Failure{DiskOperation::kRead, got.status()};
  if (*got == kBlockBytes && seen == block) return std::nullopt;
  // It said that it is synced: what is on this disk is unknown.
  return Failure{DiskOperation::kSync, absl::DataLossError(absl::StrFormat(
                                           "reserve '%s' does not read back what was "
                                           "written at %d (%d of %d bytes read)",
                                           file.path(), position.value(), *got, kBlockBytes))};
}

ReserveResult ReserveFile::Verify(std::int64_t bytes) {
  const std::int64_t held = HeldBytes().value_or(0);
  Outcome outcome = VerifyAtLeast(RoundUpToBlock(bytes));
  if (outcome.has_value()) outcome->status = base::Annotate(outcome->status, "verify reserve");
  return ResultOf(outcome, held);
}

ReserveFile::Outcome ReserveFile::VerifyAtLeast(std::int64_t bytes) {
  auto file = file_system_.Open(layout_.reserve(), OpenMode::kReadWrite);
  if (!file.ok()) return Failure{DiskOperation::kRead, file.status()};
  const auto stat = (*file)->Stat();
  if (!stat.ok()) return Failure{DiskOperation::kStat, stat.status()};
  if (stat->size >= bytes && stat->allocated_bytes >= stat->size) {
    // The marks were lowered: what lies above them is for the partitions again.
    const bool cut = stat->size > bytes && (*file)->Truncate(bytes).ok();
    return ProveLastBlock(**file, cut ? bytes : stat->size);
  }
  return Failure{DiskOperation::kStat,
                 absl::DataLossError(
                     absl::StrFormat("'%s' is short: %d bytes wanted, size %d, %d allocated",
                                     layout_.reserve(), bytes, stat->size, stat->allocated_bytes))};
}

absl::Status ReserveFile::Release() {
  if (absl::Status status = file_system_.RemoveFile(layout_.reserve());
      !status.ok() && !absl::IsNotFound(status)) {
    return base::Annotate(status, "release reserve");
  }
  return file_system_.SyncDirectory(layout_.directory());
}

}  // namespace tidemark::monitor
