#include "storage/segment/segment_step.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "storage/segment/segment_name.h"

namespace tidemark::storage {
namespace {

// Never below `begin`: a sealed segment ends with its data, anywhere in a block, and may grow
// again.
absl::Status WriteLastBlock(File& file, base::FilePosition begin, base::FilePosition end) {
  std::array<std::byte, kBlockBytes> zeros{};
  const std::int64_t length = std::min<std::int64_t>(kBlockBytes, end - begin);
  const iovec slice{zeros.data(), static_cast<std::size_t>(length)};
  return file.WriteAt(end - length, {&slice, 1});
}

// Takes the space and makes it durable in `file`.
absl::Status Take(FileSystem& file_system, File& file, const StepRequest& request,
                  StepResult& result) {
  if (request.new_segment) {
    // format has made sure that the volume can do without; here it is only asked for.
    file.SetNoCow().IgnoreError();
  }
  if (auto s = file.Allocate(request.position, request.length_bytes); !s.ok()) return s;
  if (auto s = WriteLastBlock(file, request.position, request.position + request.length_bytes);
      !s.ok())
    return s;
  absl::Status synced = file.SyncAll();
  if (synced.ok() && request.new_segment) synced = file_system.SyncDirectory(request.directory);
  result.sync_failed = !synced.ok();
  return synced;
}

// A success that gave no blocks is none: the next write into it would ask for them.
absl::Status Look(const File& file, StepResult& result) {
  const auto stat = file.Stat();
  if (!stat.ok()) return stat.status();
  result.allocated_bytes = stat->allocated_bytes;
  if (stat->allocated_bytes >= stat->size) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrFormat("'%s' was allocated with success, but has %d bytes with %d allocated",
                      file.path(), stat->size, stat->allocated_bytes));
}

void GiveBack(FileSystem& file_system, const std::string& path, const StepRequest& request,
              File& file) {
  const absl::Status status =
      request.new_segment ? file_system.RemoveFile(path) : file.Truncate(request.position.value());
  status.IgnoreError();  // what stays is an empty step, which recovery knows
}

}  // namespace

SpaceCost StepRequest::cost() const {
  // No more than a step: with a block more for the extents, a volume with just a step left above
  // full was ready by its reading and refused by its budget. That block comes out of the space
  // below full, which is at least two steps.
  return {.bytes = RoundUpToBlock(length_bytes), .inodes = new_segment ? 1 : 0};
}

StepResult AllocateStep(FileSystem& file_system, const StepRequest& request) {
  StepResult result;
  result.request = request;
  const std::string path = JoinPath(request.directory, SegmentFileName(request.segment_base));
  auto file =
      file_system.Open(path, request.new_segment ? OpenMode::kCreate : OpenMode::kReadWrite);
  if (!file.ok()) {
    result.status = std::move(file).status();
    return result;
  }
  result.status = Take(file_system, **file, request, result);
  if (result.status.ok()) result.status = Look(**file, result);
  if (result.status.ok()) {
    if (request.new_segment) result.file = *std::move(file);
    return result;
  }
  GiveBack(file_system, path, request, **file);
  result.status = base::Annotate(result.status,
                                 absl::StrFormat("take a step of %d bytes", request.length_bytes));
  return result;
}

}  // namespace tidemark::storage
