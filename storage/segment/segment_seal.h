// Closing a segment: gives back the unused part of its last step, and writes its index.
//
// Lifetime:  requests and results are values.
// Threading: any thread; blocks on the disk. Never beside a commit into the same segment.
// Errors:    in the result. A failed index is no error: it is rebuilt when wanted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "storage/fs/file_system.h"
#include "storage/segment/index_file.h"
#include "storage/segment/space_cost.h"

namespace tidemark::storage {

struct SealRequest {
  std::string directory;
  base::Offset segment_base;
  base::FilePosition data_end;
  // Absent: only the unused space is given back and the segment stays active.
  std::shared_ptr<const ClosedSegmentIndex> index;

  // Of the index; giving back costs nothing. Without a grant, reset `index` or skip it.
  SpaceCost cost() const;
};

struct SealResult {
  SealRequest request;
  absl::Status status;               // of truncate and sync
  absl::Status index_status;         // of the index file
  std::int64_t allocated_bytes = 0;  // st_blocks of segment and index afterwards
};

SealResult SealSegment(FileSystem& file_system, const SealRequest& request);

}  // namespace tidemark::storage
