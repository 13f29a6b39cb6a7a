#include "storage/log/partition_directory.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "storage/segment/segment_name.h"

namespace tidemark::storage {
namespace {

constexpr std::size_t kDigits = 16;
constexpr std::string_view kUnfinishedSuffix = ".new";

bool IsSegmentOrIndex(std::string_view name) {
  return ParseSegmentFileName(name).has_value() || ParseIndexFileName(name).has_value();
}

// A directory that a creation or a deletion left half-way: at most the state file is in it.
absl::Status RemoveUnfinished(FileSystem& file_system, const std::string& path) {
  absl::Status status = file_system.RemoveFile(JoinPath(path, kPartitionStateFile));
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  return file_system.RemoveDirectory(path);
}

absl::Status MakeDirectory(FileSystem& file_system, const std::string& path,
                           const PartitionState& state) {
  TM_RETURN_IF_ERROR(file_system.CreateDirectory(path));
  TM_RETURN_IF_ERROR(CreatePartitionState(file_system, path, state));
  return file_system.SyncDirectory(path);
}

// From the first durable mark on there is no way back, so a failed unlink is repeated later.
absl::Status MarkTombstone(FileSystem& file_system, const std::string& path) {
  auto state = LoadPartitionState(file_system, path);
  // Without a readable state the order to delete still stands.
  if (absl::IsNotFound(state.status()) || absl::IsDataLoss(state.status())) {
    return absl::OkStatus();
  }
  TM_RETURN_IF_ERROR(state.status());
  if (state->tombstone) return absl::OkStatus();
  state->tombstone = true;
  return SavePartitionState(file_system, path, *state);
}

}  // namespace

std::string PartitionDirectoryName(base::PartitionId id) {
  return absl::StrFormat("%016x", id.value());
}

std::optional<base::PartitionId> ParsePartitionDirectoryName(std::string_view name) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (name.size() != kDigits || !std::all_of(name.begin(), name.end(), is_digit)) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  std::from_chars(name.begin(), name.end(), value, 16);
  return base::PartitionId(value);
}

std::string PartitionPath(const std::string& partitions, base::PartitionId id) {
  return JoinPath(partitions, PartitionDirectoryName(id));
}

SpaceCost CreatePartitionCost() {
  // The two slots, the directory's block, and one by which the parent may grow.
  return {.bytes = 4 * kBlockBytes, .inodes = 2};
}

absl::Status CreatePartition(FileSystem& file_system, const std::string& partitions,
                             const PartitionState& state) {
  const std::string path = PartitionPath(partitions, state.id);
  const std::string unfinished = absl::StrFormat("%s%s", path, kUnfinishedSuffix);
  if (state.topic.size() > kTopicNameBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrFormat("create partition '%s': topic name of %d bytes, limit %d", path,
                        state.topic.size(), kTopicNameBytesMax));
  }
  if (const auto existing = file_system.Stat(path); !absl::IsNotFound(existing.status())) {
    TM_RETURN_IF_ERROR(existing.status());
    return absl::AlreadyExistsError(absl::StrFormat("create partition '%s': it exists", path));
  }
  if (file_system.Stat(unfinished).ok()) {
    TM_RETURN_IF_ERROR(RemoveUnfinished(file_system, unfinished));
  }
  absl::Status status = MakeDirectory(file_system, unfinished, state);
  if (status.ok()) status = file_system.Rename(unfinished, path);
  if (!status.ok()) {
    RemoveUnfinished(file_system, unfinished).IgnoreError();
    return base::Annotate(status, absl::StrFormat("create partition '%s'", path));
  }
  if (status = file_system.SyncDirectory(partitions); !status.ok()) {
    RemoveUnfinished(file_system, path).IgnoreError();
  }
  return status;
}

absl::StatusOr<PartitionListing> ListPartitions(FileSystem& file_system,
                                                const std::string& partitions) {
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system.List(partitions));
  PartitionListing listing;
  for (const std::string& name : names) {
    const std::string path = JoinPath(partitions, name);
    const auto id = ParsePartitionDirectoryName(name);
    const std::string_view view(name);
    if (id.has_value()) {
      TM_ASSIGN_OR_RETURN(const auto files, file_system.List(path));
      // Empty: a deletion that came almost to its end.
      if (files.empty()) {
        TM_RETURN_IF_ERROR(file_system.RemoveDirectory(path));
      } else {
        listing.partitions.push_back(*id);
      }
    } else if (view.ends_with(kUnfinishedSuffix) &&
               ParsePartitionDirectoryName(view.substr(0, view.size() - kUnfinishedSuffix.size()))
                   .has_value()) {
      TM_RETURN_IF_ERROR(RemoveUnfinished(file_system, path));
    } else {
      listing.strangers.push_back(name);
    }
  }
  return listing;
}

absl::StatusOr<DeletedPartition> DeletePartition(FileSystem& file_system,
                                                 const std::string& partitions,
                                                 base::PartitionId id) {
  const std::string path = PartitionPath(partitions, id);
  const auto names = file_system.List(path);
  if (absl::IsNotFound(names.status())) return DeletedPartition{};
  TM_RETURN_IF_ERROR(names.status());
  TM_RETURN_IF_ERROR(MarkTombstone(file_system, path));
  DeletedPartition deleted;
  const auto unlink = [&](const std::string& name) -> absl::Status {
    const std::string file = JoinPath(path, name);
    const auto stat = file_system.Stat(file);
    TM_RETURN_IF_ERROR(file_system.RemoveFile(file));
    if (stat.ok()) deleted.freed_bytes += stat->allocated_bytes;
    return absl::OkStatus();
  };
  bool has_state = false;
  for (const std::string& name : *names) {
    has_state = has_state || name == kPartitionStateFile;
    if (IsSegmentOrIndex(name)) TM_RETURN_IF_ERROR(unlink(name));
  }
  // Last: it is what says that the rest is to go.
  if (has_state) TM_RETURN_IF_ERROR(unlink(kPartitionStateFile));
  TM_RETURN_IF_ERROR(file_system.RemoveDirectory(path));
  TM_RETURN_IF_ERROR(file_system.SyncDirectory(partitions));
  return deleted;
}

}  // namespace tidemark::storage
