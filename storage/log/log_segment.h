// One segment as the log knows it.
//
// Lifetime:  value type; shares its file and index with reads under way.
// Threading: confined to the owner of the log.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "storage/fs/file_system.h"
#include "storage/segment/index_file.h"
#include "storage/segment/segment_scan.h"
#include "storage/segment/sparse_index.h"

namespace tidemark::storage {

struct LogSegment {
  base::Offset base_offset;
  base::Offset end_offset;           // behind the last record (active: admitted)
  base::FilePosition data_end;       // behind the last batch (active: admitted)
  base::FilePosition allocated_end;  // behind the last durable step; = data_end when sealed
  base::WallMillis max_timestamp = kNoTimestamp;
  std::int64_t allocated_bytes = 0;  // st_blocks of the segment and its index
  std::shared_ptr<File> file;        // of the active one
  // Not on disk yet: a roll's, until it is sealed, or rebuilt by recovery.
  std::shared_ptr<const ClosedSegmentIndex> unwritten_index;
  std::vector<DamagedBytes> holes;

  bool has_data() const { return data_end > base::FilePosition(0); }
};

}  // namespace tidemark::storage
