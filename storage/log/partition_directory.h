// The directories of the partitions of one volume: `partitions/<id in 16 hex digits>/`.
//
// Creating is all or nothing: it happens under the name `<id>.new`, which a rename makes real.
// Deleting says so in the partition's slot first, then unlinks; both can be repeated after a kill.
//
// Lifetime:  functions over paths.
// Threading: any thread, one call at a time per partition; blocks on the disk.
// Errors:    kAlreadyExists, kNotFound, errno statuses. A failed creation leaves nothing behind.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/fs/file_system.h"
#include "storage/log/partition_state.h"
#include "storage/segment/space_cost.h"

namespace tidemark::storage {

inline constexpr char kPartitionsDirectory[] = "partitions";

std::string PartitionDirectoryName(base::PartitionId id);
std::optional<base::PartitionId> ParsePartitionDirectoryName(std::string_view name);
// `partitions`: the path of the volume's partitions directory.
std::string PartitionPath(const std::string& partitions, base::PartitionId id);

// Directory, its entry, the two slots.
SpaceCost CreatePartitionCost();
absl::Status CreatePartition(FileSystem& file_system, const std::string& partitions,
                             const PartitionState& state);

struct PartitionListing {
  std::vector<base::PartitionId> partitions;
  std::vector<std::string> strangers;  // names that are none of ours; left alone
};
// Also removes what half-finished creations and deletions left.
absl::StatusOr<PartitionListing> ListPartitions(FileSystem& file_system,
                                                const std::string& partitions);

struct DeletedPartition {
  std::int64_t freed_bytes = 0;  // st_blocks
};
// Gone is success: a tombstone may come twice. Needs neither space nor inodes.
absl::StatusOr<DeletedPartition> DeletePartition(FileSystem& file_system,
                                                 const std::string& partitions,
                                                 base::PartitionId id);

}  // namespace tidemark::storage
