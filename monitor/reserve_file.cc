#include "monitor/reserve_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/fixed_int.h"
#include "base/status_macros.h"

namespace tidemark::monitor {
namespace {

using storage::File;
using storage::FileStat;
using storage::OpenMode;

constexpr std::size_t kBlockBytes = 4096;
using Block = std::array<std::byte, kBlockBytes>;

Block LastBlock(std::int64_t size, std::uint64_t write_number) {
  constexpr char kMagic[8] = {'T', 'M', 'R', 'E', 'S', 'E', 'R', 'V'};
  Block block{};
  std::memcpy(block.data(), kMagic, sizeof kMagic);
  base::StoreLittleEndian(static_cast<std::uint64_t>(size), &block[8]);
  base::StoreLittleEndian(write_number, &block[16]);
  return block;
}

std::int64_t RoundUpToBlock(std::int64_t bytes) {
  constexpr auto kBlock = static_cast<std::int64_t>(kBlockBytes);
  return (bytes + kBlock - 1) / kBlock * kBlock;
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

absl::StatusOr<std::int64_t> ReserveFile::Take(std::int64_t bytes) {
  const std::int64_t wanted = RoundUpToBlock(bytes);
  TM_ASSIGN_OR_RETURN(const std::int64_t held, HeldBytes());
  auto file = file_system_.Open(layout_.reserve(), OpenMode::kReadWrite);
  const bool is_new = absl::IsNotFound(file.status());
  if (is_new) file = file_system_.Open(layout_.reserve(), OpenMode::kCreate);
  if (!file.ok()) return base::Annotate(file.status(), "take reserve");

  TM_ASSIGN_OR_RETURN(const FileStat before, (*file)->Stat());
  // Whole and long enough already: still rewritten and read back, because held is what can be
  // shown.
  const std::int64_t size = std::max(wanted, before.size);
  absl::Status status = held >= size ? ProveLastBlock(**file, size) : Grow(**file, size);
  if (status.ok()) return std::max<std::int64_t>(0, size - held);

  // ext4 keeps the extents of a failed allocation: give them back.
  const absl::Status undone = is_new || held == 0 ? file_system_.RemoveFile(layout_.reserve())
                                                  : (*file)->Truncate(before.size);
  if (!undone.ok()) status = base::Annotate(status, undone.ToString());
  return base::Annotate(status, absl::StrFormat("take reserve of %d bytes, %d held", wanted, held));
}

absl::Status ReserveFile::Grow(File& file, std::int64_t to) {
  // From 0: a hole in what should be held is filled as well.
  TM_RETURN_IF_ERROR(file.Allocate(base::FilePosition(0), to));
  TM_RETURN_IF_ERROR(ProveLastBlock(file, to));
  TM_RETURN_IF_ERROR(file_system_.SyncDirectory(layout_.directory()));
  TM_ASSIGN_OR_RETURN(const FileStat stat, file.Stat());
  if (stat.size == to && stat.allocated_bytes >= to) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat(
      "reserve '%s' was allocated with success, but has %d of %d bytes, %d allocated", file.path(),
      stat.size, to, stat.allocated_bytes));
}

absl::Status ReserveFile::ProveLastBlock(File& file, std::int64_t size) {
  const base::FilePosition position(size - static_cast<std::int64_t>(kBlockBytes));
  Block block = LastBlock(size, ++writes_);
  const iovec slice{block.data(), block.size()};
  TM_RETURN_IF_ERROR(file.WriteAt(position, {&slice, 1}));
  // fsync, not fdatasync: the allocation itself must survive a power cut.
  TM_RETURN_IF_ERROR(file.SyncAll());
  TM_ASSIGN_OR_RETURN(const auto reader,
                      file_system_.Open(layout_.reserve(), OpenMode::kReadDirect));
  alignas(kBlockBytes) Block seen{};
  TM_ASSIGN_OR_RETURN(const std::size_t got, reader->ReadAt(position, seen));
  if (got == kBlockBytes && seen == block) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat(
      "reserve '%s' does not read back what was written at %d (%d of %d bytes read)", file.path(),
      position.value(), got, kBlockBytes));
}

absl::Status ReserveFile::Verify(std::int64_t bytes) {
  auto file = file_system_.Open(layout_.reserve(), OpenMode::kReadWrite);
  if (!file.ok()) return base::Annotate(file.status(), "verify reserve");
  TM_ASSIGN_OR_RETURN(const FileStat stat, (*file)->Stat());
  const std::int64_t held = std::min(stat.size, stat.allocated_bytes);
  if (held < RoundUpToBlock(bytes) || stat.allocated_bytes < stat.size) {
    return absl::DataLossError(
        absl::StrFormat("reserve '%s' is short: %d bytes wanted, size %d, %d allocated",
                        layout_.reserve(), bytes, stat.size, stat.allocated_bytes));
  }
  return ProveLastBlock(**file, stat.size);
}

absl::Status ReserveFile::Release() {
  if (absl::Status status = file_system_.RemoveFile(layout_.reserve());
      !status.ok() && !absl::IsNotFound(status)) {
    return base::Annotate(status, "release reserve");
  }
  return file_system_.SyncDirectory(layout_.directory());
}

}  // namespace tidemark::monitor
