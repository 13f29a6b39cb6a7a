#include "monitor/reclaim_plan.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace tidemark::monitor {
namespace {

// Segments of one partition must go oldest first, whatever their size: groups are ranked, not
// segments. A group is all candidates of one kind in one partition.
struct Group {
  ReclaimKind kind = ReclaimKind::kUnusedStep;
  std::int64_t bytes = 0;
  std::vector<ReclaimCandidate> candidates;
};

std::vector<Group> RankGroups(std::vector<ReclaimCandidate> candidates) {
  std::map<std::tuple<ReclaimKind, base::PartitionId>, Group> by_partition;
  for (ReclaimCandidate& candidate : candidates) {
    Group& group = by_partition[{candidate.kind, candidate.partition}];
    group.kind = candidate.kind;
    group.bytes += candidate.expected_bytes;
    group.candidates.push_back(std::move(candidate));
  }
  std::vector<Group> groups;
  for (auto& [key, group] : by_partition) {
    std::stable_sort(group.candidates.begin(), group.candidates.end(),
                     [](const ReclaimCandidate& a, const ReclaimCandidate& b) {
                       return a.base_offset < b.base_offset;
                     });
    groups.push_back(std::move(group));
  }
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return a.kind != b.kind ? a.kind < b.kind : a.bytes > b.bytes;
  });
  return groups;
}

}  // namespace

ReclaimPlan MakeReclaimPlan(std::vector<ReclaimCandidate> candidates, const ReclaimLimits& limits) {
  ReclaimPlan plan;
  std::int64_t dropped_bytes = 0;
  for (Group& group : RankGroups(std::move(candidates))) {
    bool withheld = false;
    for (ReclaimCandidate& candidate : group.candidates) {
      if (candidate.kind == ReclaimKind::kDropOldestSegment) {
        // Records that somebody might still read: only as far as they are needed, and ours.
        if (plan.expected_bytes >= limits.wanted_bytes) break;
        withheld |= dropped_bytes + candidate.expected_bytes > limits.own_growth_bytes;
        if (withheld) {
          plan.withheld_bytes += candidate.expected_bytes;
          continue;
        }
        dropped_bytes += candidate.expected_bytes;
      }
      plan.expected_bytes += candidate.expected_bytes;
      plan.steps.push_back(std::move(candidate));
    }
  }
  return plan;
}

ReclaimRun::ReclaimRun(ReclaimPlan plan, std::int64_t available_bytes, std::int64_t target_bytes)
    : plan_(std::move(plan)),
      began_bytes_(available_bytes),
      available_bytes_(available_bytes),
      target_bytes_(target_bytes) {
  Judge();
}

const ReclaimCandidate* ReclaimRun::Next() const { return end_ ? nullptr : &plan_.steps[next_]; }

void ReclaimRun::Observe(std::int64_t freed_bytes, std::int64_t available_bytes,
                         std::int64_t own_growth_bytes) {
  if (end_) return;
  ++next_;
  freed_bytes_ += freed_bytes;
  const std::int64_t yield = available_bytes + own_growth_bytes - available_bytes_;
  available_bytes_ = available_bytes;
  Judge();
  // Also where the plan has ended: another one would drop more for nothing.
  if (end_ != ReclaimEnd::kReached && freed_bytes > 0 && yield <= 0) end_ = ReclaimEnd::kZeroYield;
}

void ReclaimRun::Judge() {
  if (available_bytes_ >= target_bytes_) {
    end_ = ReclaimEnd::kReached;
  } else if (next_ >= plan_.steps.size()) {
    end_ = ReclaimEnd::kPlanEnded;
  }
}

bool ReclaimRun::needs_operator() const {
  return end_ == ReclaimEnd::kZeroYield || (end_ == ReclaimEnd::kPlanEnded && plan_.steps.empty());
}

std::string_view ReclaimKindName(ReclaimKind kind) {
  switch (kind) {
    case ReclaimKind::kUnusedStep:
      return "unused step";
    case ReclaimKind::kTombstonedPartition:
      return "tombstoned partition";
    case ReclaimKind::kTrimmedSegment:
      return "trimmed segment";
    case ReclaimKind::kExpiredSegment:
      return "expired segment";
    case ReclaimKind::kDropOldestSegment:
      return "oldest segment";
  }
  return "unknown";
}

std::string_view ReclaimEndName(ReclaimEnd end) {
  switch (end) {
    case ReclaimEnd::kReached:
      return "reached";
    case ReclaimEnd::kZeroYield:
      return "zero yield";
    case ReclaimEnd::kPlanEnded:
      return "plan ended";
  }
  return "unknown";
}

}  // namespace tidemark::monitor
