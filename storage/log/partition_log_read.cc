// The half of PartitionLog that readers need.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "storage/log/partition_log.h"

namespace tidemark::storage {

base::FilePosition PartitionLog::VisibleEnd(const LogSegment& segment, Isolation isolation) const {
  if (!is_active(segment)) return segment.data_end;
  return isolation == Isolation::kDurable ? durable_position_ : written_position_;
}

const SparseIndex* PartitionLog::IndexOf(const LogSegment& segment) const {
  if (is_active(segment)) return &active_index_;
  if (segment.unwritten_index != nullptr) return &segment.unwritten_index->index;
  return nullptr;  // the reader finds it
}

SegmentSource PartitionLog::SourceOf(const LogSegment& segment) const {
  if (read_cache_.has_value() && read_cache_->segment_base == segment.base_offset &&
      !is_active(segment)) {
    return *read_cache_;
  }
  return {directory_, segment.base_offset, segment.file, segment.unwritten_index};
}

const LogSegment* PartitionLog::FindSegment(base::Offset offset) const {
  if (active_ && offset >= active_->base_offset) {
    return offset < active_->end_offset ? &*active_ : nullptr;
  }
  const auto after = std::upper_bound(
      closed_.begin(), closed_.end(), offset,
      [](base::Offset o, const LogSegment& segment) { return o < segment.base_offset; });
  if (after == closed_.begin()) return nullptr;
  const LogSegment& segment = *std::prev(after);
  return offset < segment.end_offset ? &segment : nullptr;
}

LogSegment* PartitionLog::FindClosed(base::Offset base_offset) {
  const auto found = std::find_if(closed_.begin(), closed_.end(), [=](const LogSegment& segment) {
    return segment.base_offset == base_offset;
  });
  return found == closed_.end() ? nullptr : &*found;
}

std::optional<LostRange> PartitionLog::LostRangeAt(base::Offset offset) const {
  if (!state_.lost_data.has_value()) return std::nullopt;
  for (const LostRange& range : state_.lost_data->ranges) {
    if (offset >= range.first && offset < range.end) return range;
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<ReadRequest>> PartitionLog::PlanRead(base::Offset from,
                                                                  std::int64_t bytes_max,
                                                                  Isolation isolation) const {
  if (from < LogStart() || from > next_offset_) {
    return absl::OutOfRangeError(absl::StrFormat("read from offset %d: the log is %d to %d",
                                                 from.value(), LogStart().value(),
                                                 Bounds(isolation).log_end.value()));
  }
  if (from >= Bounds(isolation).log_end) return std::nullopt;
  const LogSegment* segment = FindSegment(from);
  if (const auto lost = LostRangeAt(from); lost.has_value() || segment == nullptr) {
    const LostRange range = lost.value_or(LostRange{from, from + 1});
    return absl::DataLossError(absl::StrFormat("read from offset %d: offsets %d to %d are lost",
                                               from.value(), range.first.value(),
                                               range.end.value()));
  }
  ReadRequest request{.source = SourceOf(*segment),
                      .from = from,
                      .end = VisibleEnd(*segment, isolation),
                      .bytes_max = bytes_max};
  if (const SparseIndex* index = IndexOf(*segment); index != nullptr) {
    request.start = index->PositionFor(from);
  }
  for (const DamagedBytes& hole : segment->holes) {
    if (from < hole.resumes_at) {
      request.end = std::min(request.end, hole.from);
      break;
    }
    request.start = std::max(request.start, hole.to);
  }
  return request;
}

void PartitionLog::OnRead(const ReadBatches& result) {
  if (active_ && active_->base_offset == result.source.segment_base) return;
  if (FindClosed(result.source.segment_base) != nullptr) read_cache_ = result.source;
}

std::optional<TimeSearch> PartitionLog::PlanOffsetForTime(base::WallMillis timestamp,
                                                          Isolation isolation) const {
  const auto plan = [&](const LogSegment& segment) -> std::optional<TimeSearch> {
    if (segment.max_timestamp < timestamp || segment.end_offset <= LogStart() ||
        !segment.has_data()) {
      return std::nullopt;
    }
    TimeSearch search{.source = SourceOf(segment),
                      .timestamp = timestamp,
                      .from = std::max(LogStart(), segment.base_offset),
                      .end = VisibleEnd(segment, isolation)};
    if (const SparseIndex* index = IndexOf(segment); index != nullptr) {
      search.start = std::max(index->PositionForTime(timestamp), index->PositionFor(search.from));
    }
    return search;
  };
  for (const LogSegment& segment : closed_) {
    if (auto search = plan(segment); search.has_value()) return search;
  }
  return active_ ? plan(*active_) : std::nullopt;
}

}  // namespace tidemark::storage
