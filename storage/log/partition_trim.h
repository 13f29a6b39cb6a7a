// Drops segments: first the new log start is durable in the state slot, then files are unlinked. It
// allocates nothing, so it works at 0 free bytes and 0 free inodes, and a kill in between only
// leaves files below the log start, which the next open removes.
//
// Lifetime:  values.
// Threading: any thread; blocks on the disk.
// Errors:    in the result.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "storage/fs/file_system.h"
#include "storage/log/partition_state.h"

namespace tidemark::storage {

struct TrimRequest {
  std::string directory;
  PartitionState state;  // with the new log start
  bool save_state = true;
  std::vector<base::Offset> drop;
  std::int64_t expected_freed_bytes = 0;
};

struct TrimResult {
  TrimRequest request;
  absl::Status state_status;  // failed: a device matter, nothing was unlinked
  absl::Status status;        // of the unlinks; the first failure ends them
  std::vector<base::Offset> dropped;
  std::int64_t freed_bytes = 0;  // st_blocks of what was unlinked (readers may still pin it)
};

TrimResult TrimPartition(FileSystem& file_system, const TrimRequest& request);

}  // namespace tidemark::storage
