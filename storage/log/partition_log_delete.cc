// The half of PartitionLog that lets go of segments.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "storage/log/partition_log.h"

namespace tidemark::storage {

absl::StatusOr<TrimPlan> PartitionLog::PlanTrim(base::Offset before) const {
  if (before > durable_end_) {
    return absl::OutOfRangeError(absl::StrFormat("trim before offset %d: the log is %d to %d",
                                                 before.value(), LogStart().value(),
                                                 durable_end_.value()));
  }
  return PlanTrimBefore(Segments(), LogStart(), before);
}

TrimPlan PartitionLog::PlanExpiry(const RetentionLimits& limits, base::WallMillis now) const {
  return PlanRetention(Segments(), LogStart(), limits, now);
}

TrimPlan PartitionLog::PlanLeftovers(Moment now) const {
  std::vector<SegmentSummary> segments = Segments();
  const bool keeps_active = active_ && (step_demanded_ || !IdleFor(now));
  if (keeps_active) segments.pop_back();
  return PlanTrimBefore(segments, LogStart(), LogStart());
}

absl::StatusOr<TrimRequest> PartitionLog::BeginTrim(const TrimPlan& plan) {
  if (trim_under_way_) return absl::UnavailableError("trim: another one is under way");
  if (failed()) return failure_;
  if (closed_down_) return absl::FailedPreconditionError("trim refused: the log is closed");
  // The plan may be older than what happened since.
  const base::Offset log_start = std::max(LogStart(), std::min(plan.log_start, durable_end_));
  TrimRequest request{.directory = directory_, .state = state_};
  request.state.log_start = log_start;
  request.save_state = log_start > LogStart();
  for (const SegmentSummary& segment : Segments()) {
    const bool planned =
        std::find(plan.drop.begin(), plan.drop.end(), segment.base_offset) != plan.drop.end();
    if (!planned || segment.busy || segment.end_offset > log_start) break;
    request.drop.push_back(segment.base_offset);
    request.expected_freed_bytes += segment.allocated_bytes;
    trimming_active_ = segment.active;
  }
  if (!request.save_state && request.drop.empty()) {
    return absl::NotFoundError(
        absl::StrFormat("trim before offset %d: nothing to do", plan.log_start.value()));
  }
  trim_under_way_ = true;
  if (trimming_active_) CloseActive();
  return request;
}

void PartitionLog::ForgetDropped(const TrimResult& result) {
  const auto dropped = [&](base::Offset base) {
    return std::find(result.dropped.begin(), result.dropped.end(), base) != result.dropped.end();
  };
  std::erase_if(closed_, [&](const LogSegment& s) { return dropped(s.base_offset); });
  std::erase_if(seals_waiting_, dropped);
  if (read_cache_.has_value() && dropped(read_cache_->segment_base)) read_cache_.reset();
}

void PartitionLog::OnTrimmed(const TrimResult& result) {
  trim_under_way_ = false;
  if (result.state_status.ok()) state_.log_start = result.request.state.log_start;
  ForgetDropped(result);
  if (!std::exchange(trimming_active_, false) || closed_.empty()) return;
  // It could not be unlinked: the log goes on with it, its step in doubt.
  LogSegment& last = closed_.back();
  if (last.file == nullptr || active_) return;
  last.unwritten_index.reset();
  active_ = std::move(last);
  closed_.pop_back();
}

}  // namespace tidemark::storage
