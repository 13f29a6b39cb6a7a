#include "storage/log/committer.h"

#include <sys/uio.h>

#include <cstddef>
#include <unordered_set>
#include <utility>

namespace tidemark::storage {
namespace {

iovec SliceOf(const Buffer& buffer) {
  // iovec has no const; pwritev only reads.
  return {const_cast<std::byte*>(buffer.data()), buffer.size()};
}

bool Continues(const CommitWrite& previous, const CommitWrite& next) {
  return next.file == previous.file && next.position == previous.position + previous.size_bytes();
}

CommitFailure FailureOf(CommitFailure::Operation operation, const CommitWrite& write,
                        absl::Status status) {
  return {.operation = operation,
          .path = write.file->path(),
          .partition = write.partition,
          .status = std::move(status)};
}

std::optional<CommitFailure> WriteAll(const CommitJob& job, std::int64_t& bytes_written) {
  std::vector<iovec> slices;
  for (std::size_t first = 0; first < job.writes.size();) {
    slices.clear();
    std::size_t next = first;
    do {
      slices.push_back(SliceOf(job.writes[next].header));
      slices.push_back(SliceOf(job.writes[next].body));
      ++next;
    } while (next < job.writes.size() && Continues(job.writes[next - 1], job.writes[next]));
    std::size_t written = 0;
    absl::Status status =
        job.writes[first].file->WriteAt(job.writes[first].position, slices, &written);
    bytes_written += static_cast<std::int64_t>(written);
    if (!status.ok()) {
      return FailureOf(CommitFailure::Operation::kWrite, job.writes[first], std::move(status));
    }
    first = next;
  }
  return std::nullopt;
}

std::optional<CommitFailure> SyncAll(const CommitJob& job) {
  std::unordered_set<const File*> synced;
  for (const CommitWrite& write : job.writes) {
    if (!synced.insert(write.file.get()).second) continue;
    if (absl::Status status = write.file->SyncData(); !status.ok()) {
      return FailureOf(CommitFailure::Operation::kSync, write, std::move(status));
    }
  }
  return std::nullopt;
}

}  // namespace

CommitResult RunCommit(const CommitJob& job, const CommitCallback& on_written) {
  CommitResult result;
  result.failure = WriteAll(job, result.bytes_written);
  if (result.failure.has_value()) return result;
  if (on_written) on_written(result);
  if (job.sync) result.failure = SyncAll(job);
  return result;
}

}  // namespace tidemark::storage
