// One segment as the log knows it.
//
// Lifetime:  value type; shares its file and index with reads under way.
// Threading: confined to the owner of the log.
#pragma once

#include <cstdint>
#include <memory>

#include "base/ids.h"
#include "storage/fs/file_system.h"
#include "storage/segment/index_file.h"
#include "storage/segment/sparse_index.h"

namespace tidemark::storage {

struct LogSegment {
  base::Offset base_offset;
  base::Offset end_offset;           // behind the last record (active: admitted)
  base::FilePosition data_end;       // behind the last batch (active: admitted)
  base::FilePosition allocated_end;  // behind the last durable step; = data_end when sealed
  base::WallMillis first_timestamp = kNoTimestamp;
  base::WallMillis max_timestamp = kNoTimestamp;
  std::int64_t allocated_bytes = 0;  // st_blocks of the segment and its index
  std::shared_ptr<File> file;        // active only, or while a read keeps it cached
  std::shared_ptr<const ClosedSegmentIndex> closed_index;  // loaded, or still to be written

  bool has_data() const { return data_end > base::FilePosition(0); }
};

}  // namespace tidemark::storage
