// Where in a segment an offset or a time is to be looked for: one entry every few KiB.
//
// Only a hint about where to start walking; a log without any index answers the same, slower.
//
// Lifetime:  value type. Grows while its segment is active; never changes afterwards.
// Threading: confined while it grows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace tidemark::storage {

inline constexpr base::WallMillis kNoTimestamp = std::numeric_limits<base::WallMillis>::min();

struct IndexEntry {
  base::Offset offset;          // base offset of a batch
  base::FilePosition position;  // where it begins
  // The newest timestamp of all batches before this one; kNoTimestamp for the first.
  base::WallMillis max_timestamp_before = kNoTimestamp;
  bool operator==(const IndexEntry&) const = default;
};

class SparseIndex {
 public:
  explicit SparseIndex(std::int64_t interval_bytes = 4096) : interval_bytes_(interval_bytes) {}
  // From a file; entries ascend in offset and position.
  static SparseIndex FromEntries(std::vector<IndexEntry> entries, base::WallMillis max_timestamp);

  // The next batch of the segment. Becomes an entry if it lies an interval behind the last one.
  void Add(base::Offset offset, base::FilePosition position, base::WallMillis max_timestamp);
  // What follows is not contiguous with what was added (damage): the next batch becomes an entry.
  void Break() { force_entry_ = true; }
  // Forgets every batch at or behind `position` (a commit failed).
  void CutAt(base::FilePosition position);

  // Where to start walking to reach `offset`; the segment's beginning if nothing better is known.
  base::FilePosition PositionFor(base::Offset offset) const;
  // Where to start walking to reach the first record not older than `timestamp`.
  base::FilePosition PositionForTime(base::WallMillis timestamp) const;

  base::WallMillis max_timestamp() const { return max_timestamp_; }
  std::span<const IndexEntry> entries() const { return entries_; }

 private:
  std::int64_t interval_bytes_;
  std::vector<IndexEntry> entries_;
  base::WallMillis max_timestamp_ = kNoTimestamp;
  bool force_entry_ = true;
};

// A power of two near segment / 65536, at least 4 KiB: an index stays within about 1.5 MiB.
std::int64_t IndexIntervalFor(std::int64_t segment_bytes);

}  // namespace tidemark::storage
