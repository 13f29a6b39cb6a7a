// What may be freed, in which order, and when to stop. Never by absence: what nobody assigned is no
// candidate.
//
// Pure. The caller lists candidates as policy allows them, the plan ranks them; a ReclaimRun then
// hands them out one at a time and is told what a reading showed after each.
//
// Lifetime:  value types, hold no references.
// Threading: confined to the owner's loop.
// Errors:    none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace tidemark::monitor {

// In the order they are taken: what nobody misses comes first.
enum class ReclaimKind : std::uint8_t {
  kUnusedStep = 1,           // allocated, holds no record
  kTombstonedPartition = 2,  // deleted by an explicit tombstone
  kTrimmedSegment = 3,       // wholly below the trim mark
  kExpiredSegment = 4,       // retention by time or size
  kDropOldestSegment = 5,    // on_full = drop_oldest: the only one that costs readable records
};
std::string_view ReclaimKindName(ReclaimKind kind);  // "expired segment"

struct ReclaimCandidate {
  ReclaimKind kind = ReclaimKind::kUnusedStep;
  base::PartitionId partition;
  base::Offset base_offset;         // of the segment; orders segments of one partition
  std::int64_t expected_bytes = 0;  // st_blocks × 512
  std::string name;                 // for people: "orders/3 segment 000…120"
  std::string policy;               // why it may go: "retention 7d"

  bool operator==(const ReclaimCandidate&) const = default;
};

struct ReclaimLimits {
  std::int64_t wanted_bytes = 0;
  // Our own growth since the last reclaim: drop_oldest takes no more than this, so that a
  // neighbour's growth cannot empty a topic.
  std::int64_t own_growth_bytes = 0;
};

struct ReclaimPlan {
  std::vector<ReclaimCandidate> steps;
  std::int64_t expected_bytes = 0;
  // drop_oldest candidates left out because the growth is not ours: worth an alarm.
  std::int64_t withheld_bytes = 0;
};

// Ranked by kind, then partitions with the most to give first; segments of one partition always
// oldest first. Lists all that policy allows, since a yield may be less than expected and the run
// stops at its target anyway; drop_oldest only as far as wanted, and never past our own growth: a
// partition's older segment held back holds back all its newer ones.
ReclaimPlan MakeReclaimPlan(std::vector<ReclaimCandidate> candidates, const ReclaimLimits& limits);

enum class ReclaimEnd : std::uint8_t {
  kReached,    // resume + margin is available
  kZeroYield,  // a step freed what it should and nothing became visible: pinned
  kPlanEnded,  // all steps are done; whether policy allows more, only a new plan can tell
};
std::string_view ReclaimEndName(ReclaimEnd end);

// One pass over a plan.
class ReclaimRun {
 public:
  // Stops once `target_bytes` (resume + margin) are available.
  ReclaimRun(ReclaimPlan plan, std::int64_t available_bytes, std::int64_t target_bytes);

  // What to free next; nullptr when the run has ended.
  const ReclaimCandidate* Next() const;
  // After the step: what was really unlinked, what a reading begun after it shows, and what we
  // allocated ourselves since the reading before: that is no lack of yield.
  void Observe(std::int64_t freed_bytes, std::int64_t available_bytes,
               std::int64_t own_growth_bytes);

  std::optional<ReclaimEnd> end() const { return end_; }
  // Policy allowed nothing from the start, or what was freed is pinned. A plan that was carried out
  // and is too short by now (drop_oldest is planned as far as wanted) wants another one.
  bool needs_operator() const;
  std::int64_t freed_bytes() const { return freed_bytes_; }
  std::int64_t gained_bytes() const { return available_bytes_ - began_bytes_; }
  const ReclaimPlan& plan() const { return plan_; }
  std::size_t done() const { return next_; }

 private:
  void Judge();

  ReclaimPlan plan_;
  std::size_t next_ = 0;
  std::int64_t began_bytes_ = 0;
  std::int64_t available_bytes_ = 0;
  std::int64_t target_bytes_ = 0;
  std::int64_t freed_bytes_ = 0;
  std::optional<ReclaimEnd> end_;
};

}  // namespace tidemark::monitor
