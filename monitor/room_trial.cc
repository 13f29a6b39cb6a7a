#include "monitor/room_trial.h"

#include <array>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/block.h"
#include "base/errno_status.h"

namespace tidemark::monitor {
namespace {

ReserveResult Failed(DiskOperation operation, absl::Status status) {
  ReserveResult result;
  result.operation = operation;
  result.status = std::move(status);
  return result;
}

}  // namespace

RoomTrial::RoomTrial(storage::FileSystem& file_system, const VolumeLayout& layout)
    : file_system_(file_system), layout_(layout) {}

absl::Status RoomTrial::RemoveLeftover() {
  const absl::Status removed = file_system_.RemoveFile(layout_.room_trial());
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

ReserveResult RoomTrial::Run(std::int64_t bytes) {
  if (absl::Status removed = RemoveLeftover(); !removed.ok()) {
    return Failed(DiskOperation::kRemove, std::move(removed));
  }
  ReserveResult result = Take(base::RoundUpToBlock(bytes));
  // ext4 keeps the extents of a failed allocation, too.
  absl::Status removed = RemoveLeftover();
  if (result.ok() && !removed.ok()) result = Failed(DiskOperation::kRemove, std::move(removed));
  if (!result.ok()) {
    result.status =
        base::Annotate(result.status, absl::StrFormat("try for %d bytes of room", bytes));
  }
  return result;
}

ReserveResult RoomTrial::Take(std::int64_t bytes) {
  const auto file = file_system_.Open(layout_.room_trial(), storage::OpenMode::kCreate);
  if (!file.ok()) return Failed(DiskOperation::kAllocate, file.status());
  if (absl::Status status = (*file)->Allocate(base::FilePosition(0), bytes); !status.ok()) {
    return Failed(DiskOperation::kAllocate, std::move(status));
  }
  std::array<std::byte, base::kBlockBytes> zeros{};
  const iovec slice{zeros.data(), zeros.size()};
  // Still part of the allocation: nothing was admitted into this file.
  if (absl::Status status =
          (*file)->WriteAt(base::FilePosition(bytes - base::kBlockBytes), {&slice, 1});
      !status.ok()) {
    return Failed(DiskOperation::kAllocate, std::move(status));
  }
  if (absl::Status status = (*file)->SyncAll(); !status.ok()) {
    return Failed(DiskOperation::kSync, std::move(status));
  }
  // xfs gives back what was unlinked late, what was cut off at once. The reading after this one
  // should see it; btrfs with a quota may refuse, and is asked for nothing more.
  (*file)->Truncate(0).IgnoreError();
  return {};
}

}  // namespace tidemark::monitor
