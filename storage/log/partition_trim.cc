#include "storage/log/partition_trim.h"

#include "base/status_macros.h"
#include "storage/segment/segment_name.h"

namespace tidemark::storage {
namespace {

// What the unlink gives back; a file that is gone already is fine.
absl::Status Unlink(FileSystem& file_system, const std::string& path, std::int64_t& freed_bytes) {
  const auto stat = file_system.Stat(path);
  absl::Status status = file_system.RemoveFile(path);
  if (absl::IsNotFound(status)) return absl::OkStatus();
  if (status.ok() && stat.ok()) freed_bytes += stat->allocated_bytes;
  return status;
}

absl::Status DropSegment(FileSystem& file_system, const std::string& directory, base::Offset base,
                         std::int64_t& freed_bytes) {
  // The index first: an index without its segment would be a stranger.
  TM_RETURN_IF_ERROR(Unlink(file_system, JoinPath(directory, IndexFileName(base)), freed_bytes));
  return Unlink(file_system, JoinPath(directory, SegmentFileName(base)), freed_bytes);
}

}  // namespace

TrimResult TrimPartition(FileSystem& file_system, const TrimRequest& request) {
  TrimResult result;
  result.request = request;
  if (request.save_state) {
    result.state_status = SavePartitionState(file_system, request.directory, request.state);
    if (!result.state_status.ok()) return result;
  }
  for (const base::Offset base : request.drop) {
    result.status = DropSegment(file_system, request.directory, base, result.freed_bytes);
    if (!result.status.ok()) return result;
    result.dropped.push_back(base);
  }
  // The directory is not synced: files that come back after a power cut lie below the log start.
  return result;
}

}  // namespace tidemark::storage
