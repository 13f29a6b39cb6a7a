#include "storage/log/retention_plan.h"

#include <algorithm>
#include <chrono>
#include <functional>

namespace tidemark::storage {
namespace {

// Takes segments from the front for as long as they may go.
TrimPlan TakeWhile(std::span<const SegmentSummary> segments, base::Offset log_start,
                   const std::function<bool(const SegmentSummary&)>& may_go) {
  TrimPlan plan;
  plan.log_start = log_start;
  for (const SegmentSummary& segment : segments) {
    if (segment.busy || !may_go(segment)) break;
    plan.drop.push_back(segment.base_offset);
    plan.log_start = std::max(plan.log_start, segment.end_offset);
    plan.seals_active = plan.seals_active || segment.active;
    plan.expected_freed_bytes += segment.allocated_bytes;
  }
  return plan;
}

bool Expired(const SegmentSummary& segment, const RetentionLimits& limits, base::WallMillis now) {
  if (!limits.age.has_value() || segment.max_timestamp == kNoTimestamp) return false;
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(*limits.age).count();
  return segment.max_timestamp < now - age;
}

}  // namespace

TrimPlan PlanTrimBefore(std::span<const SegmentSummary> segments, base::Offset log_start,
                        base::Offset before) {
  TrimPlan plan = TakeWhile(segments, log_start, [before](const SegmentSummary& segment) {
    return segment.end_offset <= before;
  });
  plan.log_start = std::max(log_start, before);
  return plan;
}

TrimPlan PlanRetention(std::span<const SegmentSummary> segments, base::Offset log_start,
                       const RetentionLimits& limits, base::WallMillis now) {
  std::int64_t kept_bytes = 0;
  for (const SegmentSummary& segment : segments) kept_bytes += segment.allocated_bytes;
  return TakeWhile(segments, log_start, [&](const SegmentSummary& segment) {
    const bool below_start = !segment.active && segment.end_offset <= log_start;
    const bool too_many = limits.bytes.has_value() && !segment.active && kept_bytes > *limits.bytes;
    if (!below_start && !too_many && !Expired(segment, limits, now)) return false;
    kept_bytes -= segment.allocated_bytes;
    return true;
  });
}

}  // namespace tidemark::storage
