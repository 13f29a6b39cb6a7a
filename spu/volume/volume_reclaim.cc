// Giving space back: retention, reclaim, and partitions coming and going.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "daemon/log.h"
#include "spu/volume/volume.h"
#include "spu/volume/volume_view.h"
#include "storage/segment/segment_name.h"

namespace tidemark::spu {
namespace {

namespace event = monitor::event;
namespace sc_pb = tidemark::sc::v1;
namespace space_pb = tidemark::space::v1;
using daemon::LogLevel;
using monitor::ReclaimCandidate;
using monitor::ReclaimKind;

// What nobody assigns is in no automatic plan: of it goes only what was trimmed away before.
bool MayDropOldest(const Partition& partition) {
  return partition.assigned && partition.policy.on_full() == sc_pb::ON_FULL_DROP_OLDEST;
}

storage::RetentionLimits LimitsOf(const Partition& partition) {
  storage::RetentionLimits limits;
  if (!partition.assigned) return limits;
  const sc_pb::TopicPolicy& policy = partition.policy;
  if (policy.retention_bytes() > 0) limits.bytes = policy.retention_bytes();
  if (policy.retention_ms() > 0) limits.age = base::MillisUpToACentury(policy.retention_ms());
  return limits;
}

}  // namespace

// What policy allows to go, by partition. Steps of idle partitions are given back anyway.
std::vector<ReclaimCandidate> Volume::ReclaimCandidates() const {
  std::vector<ReclaimCandidate> candidates;
  for (const auto& [id, partition] : partitions_) {
    const storage::PartitionLog& log = partition->log();
    const auto add = [&, id = id](ReclaimKind kind, base::Offset base_offset, std::int64_t bytes,
                                  std::string policy) {
      ReclaimCandidate& candidate = candidates.emplace_back();
      candidate.kind = kind;
      candidate.partition = id;
      candidate.base_offset = base_offset;
      candidate.expected_bytes = bytes;
      candidate.name = absl::StrFormat("%s/%d %s", log.state().topic, log.state().index,
                                       storage::SegmentFileName(base_offset));
      candidate.policy = std::move(policy);
    };
    if (const auto plan = log.PlanLeftovers(Now()); !plan.drop.empty()) {
      add(ReclaimKind::kTrimmedSegment, plan.drop.front(), plan.expected_freed_bytes, "trimmed");
      continue;
    }
    if (const auto plan = log.PlanExpiry(LimitsOf(*partition), clock_.WallNow());
        !plan.drop.empty()) {
      add(ReclaimKind::kExpiredSegment, plan.drop.front(), plan.expected_freed_bytes, "retention");
      continue;
    }
    if (!MayDropOldest(*partition)) continue;
    for (const storage::SegmentSummary& segment : log.Segments()) {
      if (segment.active || segment.busy) break;
      add(ReclaimKind::kDropOldestSegment, segment.base_offset, segment.allocated_bytes,
          "on_full = drop_oldest");
    }
  }
  return candidates;
}

std::int64_t Volume::OurBytes() const {
  std::int64_t ours = 0;
  for (const auto& [id, partition] : partitions_) ours += partition->log().allocated_bytes();
  return ours;
}

// Growth is counted in bytes, but segments go whole: up to one more may go than we grew. What went
// too far is missing from the growth of the next run, so that it does not add up.
monitor::ReclaimPlan Volume::PlanReclaim(std::int64_t wanted_bytes) const {
  const std::int64_t growth = OurBytes() - reclaim_floor_bytes_;
  return monitor::MakeReclaimPlan(ReclaimCandidates(),
                                  {wanted_bytes, growth > 0 ? growth + marks_.segment_bytes : 0});
}

std::int64_t Volume::BytesTo(std::int64_t mark_bytes) const {
  const VolumeState state = State();
  if (!state.reading.has_value()) return 0;
  return std::max<std::int64_t>(0, mark_bytes + state.marks.step_bytes +
                                       state.reading->below_zero_bytes -
                                       state.reading->available_bytes);
}

void Volume::ExpireSegments(Partition& partition) {
  storage::TrimPlan plan = partition.log().PlanLeftovers(Now());
  if (plan.drop.empty()) {
    plan = partition.log().PlanExpiry(LimitsOf(partition), clock_.WallNow());
  }
  if (plan.drop.empty()) return;
  partition.RunPlan(plan, [](std::int64_t) {});
}

void Volume::StartReclaim(std::int64_t wanted_bytes) {
  const VolumeState state = State();
  if (reclaim_.has_value() || !state.reading.has_value()) return;
  const std::int64_t to_low_bytes = BytesTo(state.marks.low_bytes);
  // What was aimed at beyond the mark is withheld from nobody.
  NoteWithheld(PlanReclaim(std::min(wanted_bytes, to_low_bytes)));
  reclaim_.emplace(PlanReclaim(on_reclaimed_.empty() ? wanted_bytes : to_low_bytes),
                   state.reading->available_bytes, state.reading->available_bytes + wanted_bytes);
  reclaim_our_bytes_ = OurBytes();
  RunReclaimStep();
}

// A neighbour is filling the volume, and topics that might lose their oldest keep it: a person has
// to know. Said once for as long as it lasts.
void Volume::NoteWithheld(const monitor::ReclaimPlan& plan) {
  if (plan.withheld_bytes > 0 && withheld_bytes_ == 0) {
    daemon::Log(LogLevel::kWarn, "reclaim.withheld",
                {{"volume", disk_->path()},
                 {"withheld_bytes", plan.withheld_bytes},
                 {"expected_bytes", plan.expected_bytes},
                 {"why", "on_full = drop_oldest takes no more than our own growth"}});
  }
  withheld_bytes_ = plan.withheld_bytes;
}

// A person's word: everything that policy allows, not only as much as is wanted.
void Volume::Reclaim(Reclaimed done) {
  on_reclaimed_.push_back(std::move(done));
  StartReclaim(disk_->capacity_bytes());
  if (!reclaim_.has_value()) EndReclaim();
}

// One step, then a reading begun after it says what it brought, then the next.
void Volume::RunReclaimStep() {
  const ReclaimCandidate* next = reclaim_->Next();
  if (next == nullptr) return EndReclaim();
  Partition* partition = Find(next->partition);
  const auto plan = partition != nullptr ? TrimFor(*partition, *next) : std::nullopt;
  const bool drops = next->kind == ReclaimKind::kDropOldestSegment;
  const auto freed = [this, guard = std::weak_ptr(alive_), drops](std::int64_t bytes) {
    if (guard.expired()) return;
    // What went by another policy is no room that drop_oldest has made for our growth.
    if (!drops) reclaim_floor_bytes_ -= bytes;
    reclaim_freed_bytes_ = bytes;
    reclaim_step_done_ = clock_.Now();
    Apply(event::PollNow{});
  };
  // Gone meanwhile, or busy: a step that frees nothing, and its reading ends the run.
  if (!plan.has_value() || !partition->RunPlan(*plan, freed)) freed(0);
}

std::optional<storage::TrimPlan> Volume::TrimFor(const Partition& partition,
                                                 const ReclaimCandidate& candidate) const {
  const storage::PartitionLog& log = partition.log();
  switch (candidate.kind) {
    case ReclaimKind::kTrimmedSegment:
      return log.PlanLeftovers(Now());
    case ReclaimKind::kExpiredSegment:
      return log.PlanExpiry(LimitsOf(partition), clock_.WallNow());
    case ReclaimKind::kDropOldestSegment:
      if (!MayDropOldest(partition)) return std::nullopt;  // no more: a newer list came
      for (const storage::SegmentSummary& segment : log.Segments()) {
        if (segment.base_offset != candidate.base_offset) continue;
        auto plan = log.PlanTrim(segment.end_offset);
        if (plan.ok()) return *std::move(plan);
      }
      return std::nullopt;
    case ReclaimKind::kUnusedStep:
    case ReclaimKind::kTombstonedPartition:
      return std::nullopt;
  }
  return std::nullopt;
}

void Volume::ObserveReclaim(const monitor::SpaceReading& reading) {
  if (!reclaim_.has_value() || !reclaim_step_done_.has_value() ||
      reading.started < *reclaim_step_done_) {
    return;
  }
  reclaim_step_done_.reset();
  const std::int64_t grown_bytes = OurBytes() + reclaim_freed_bytes_ - reclaim_our_bytes_;
  reclaim_->Observe(reclaim_freed_bytes_, reading.available_bytes, grown_bytes);
  reclaim_our_bytes_ = OurBytes();
  RunReclaimStep();
}

void Volume::EndReclaim() {
  space_pb::ReclaimResponse response;
  if (reclaim_.has_value()) {
    for (std::size_t i = 0; i < reclaim_->done(); ++i) {
      *response.add_done() = ReclaimStepMessage(*this, reclaim_->plan().steps[i]);
    }
    response.set_freed_bytes(reclaim_->freed_bytes());
    response.set_observed_gain_bytes(reclaim_->gained_bytes());
    Apply(event::ReclaimEnded{reclaim_->needs_operator(), reclaim_->freed_bytes()});
    reclaim_.reset();
  }
  response.set_bytes_short(BytesTo(marks_.resume_bytes));
  for (Reclaimed& done : std::exchange(on_reclaimed_, {})) done(response);
}

}  // namespace tidemark::spu
