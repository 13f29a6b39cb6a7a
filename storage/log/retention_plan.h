// Which segments may go: expired by time or size, or below an offset.
//
// Pure. Only whole segments go, oldest first, and none is skipped. Size never takes the active
// segment; age and trim do (it is then sealed in place and the partition has no active segment
// until the next append).
//
// Lifetime:  values.
// Threading: any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "storage/log/log_options.h"
#include "storage/segment/sparse_index.h"

namespace tidemark::storage {

struct SegmentSummary {
  base::Offset base_offset;
  base::Offset end_offset;
  std::int64_t allocated_bytes = 0;  // st_blocks, index included
  base::WallMillis max_timestamp = kNoTimestamp;
  bool active = false;
  bool busy = false;  // something not yet durable, or a step under way: may not go now
};

struct TrimPlan {
  base::Offset log_start;                 // the new one
  std::vector<base::Offset> drop;         // base offsets of the segments to unlink
  bool seals_active = false;              // the active segment is among them
  std::int64_t expected_freed_bytes = 0;  // st_blocks

  bool empty(base::Offset current_log_start) const {
    return drop.empty() && log_start <= current_log_start;
  }
};

// Everything that ends at or before `before` goes; the log then starts at `before`.
TrimPlan PlanTrimBefore(std::span<const SegmentSummary> segments, base::Offset log_start,
                        base::Offset before);

// What the limits allow to go at `now`. The log then starts at the first segment that stays.
TrimPlan PlanRetention(std::span<const SegmentSummary> segments, base::Offset log_start,
                       const RetentionLimits& limits, base::WallMillis now);

}  // namespace tidemark::storage
