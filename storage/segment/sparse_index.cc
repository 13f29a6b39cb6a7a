#include "storage/segment/sparse_index.h"

#include <algorithm>
#include <bit>

namespace tidemark::storage {

SparseIndex SparseIndex::FromEntries(std::vector<IndexEntry> entries,
                                     base::WallMillis max_timestamp) {
  SparseIndex index;
  index.entries_ = std::move(entries);
  index.max_timestamp_ = max_timestamp;
  return index;
}

void SparseIndex::Add(base::Offset offset, base::FilePosition position,
                      base::WallMillis max_timestamp) {
  if (force_entry_ || entries_.empty() || position - entries_.back().position >= interval_bytes_) {
    entries_.push_back({offset, position, max_timestamp_});
    force_entry_ = false;
  }
  max_timestamp_ = std::max(max_timestamp_, max_timestamp);
}

void SparseIndex::CutAt(base::FilePosition position) {
  // The newest timestamp stays too new: a time is then looked for a little further than needed.
  while (!entries_.empty() && entries_.back().position >= position) entries_.pop_back();
}

base::FilePosition SparseIndex::PositionFor(base::Offset offset) const {
  const auto after =
      std::upper_bound(entries_.begin(), entries_.end(), offset,
                       [](base::Offset o, const IndexEntry& entry) { return o < entry.offset; });
  return after == entries_.begin() ? base::FilePosition(0) : std::prev(after)->position;
}

base::FilePosition SparseIndex::PositionForTime(base::WallMillis timestamp) const {
  // The last entry with nothing as new as that before it.
  const auto after = std::partition_point(
      entries_.begin(), entries_.end(),
      [timestamp](const IndexEntry& entry) { return entry.max_timestamp_before < timestamp; });
  return after == entries_.begin() ? base::FilePosition(0) : std::prev(after)->position;
}

std::int64_t IndexIntervalFor(std::int64_t segment_bytes) {
  constexpr std::int64_t kEntriesMax = 65536;
  constexpr std::int64_t kIntervalMin = 4096;
  const auto wanted =
      static_cast<std::uint64_t>(std::max(kIntervalMin, segment_bytes / kEntriesMax));
  return static_cast<std::int64_t>(std::bit_ceil(wanted));
}

}  // namespace tidemark::storage
