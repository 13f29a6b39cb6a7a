#include "storage/segment/segment_seal.h"

#include "base/status_macros.h"
#include "storage/segment/segment_name.h"

namespace tidemark::storage {
namespace {

absl::StatusOr<std::int64_t> Shrink(FileSystem& file_system, const std::string& path,
                                    std::int64_t size) {
  TM_ASSIGN_OR_RETURN(const auto file, file_system.Open(path, OpenMode::kReadWrite));
  // Not synced: if a power cut brings the step back, it is an empty step again.
  TM_RETURN_IF_ERROR(file->Truncate(size));
  TM_ASSIGN_OR_RETURN(const FileStat stat, file->Stat());
  return stat.allocated_bytes;
}

}  // namespace

SpaceCost SealRequest::cost() const {
  if (index == nullptr) return {};
  return {.bytes = RoundUpToBlock(IndexFileBytes(index->index.entries().size())), .inodes = 1};
}

SealResult SealSegment(FileSystem& file_system, const SealRequest& request) {
  SealResult result;
  result.request = request;
  const std::string path = JoinPath(request.directory, SegmentFileName(request.segment_base));
  auto shrunk = Shrink(file_system, path, request.data_end.value());
  if (!shrunk.ok()) {
    result.status = result.index_status = std::move(shrunk).status();
    return result;
  }
  result.allocated_bytes = *shrunk;
  if (request.index == nullptr) return result;
  result.index_status = WriteIndexFile(file_system, request.directory, *request.index);
  if (!result.index_status.ok()) return result;
  const auto index_stat =
      file_system.Stat(JoinPath(request.directory, IndexFileName(request.segment_base)));
  if (index_stat.ok()) result.allocated_bytes += index_stat->allocated_bytes;
  return result;
}

}  // namespace tidemark::storage
