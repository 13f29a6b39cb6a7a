// Giving space back: retention, reclaim, and partitions coming and going.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "daemon/log.h"
#include "spu/volume/volume.h"
#include "storage/segment/segment_name.h"

namespace tidemark::spu {
namespace {

namespace event = monitor::event;
namespace sc_pb = tidemark::sc::v1;
namespace space_pb = tidemark::space::v1;
using daemon::LogLevel;

storage::RetentionLimits LimitsOf(const sc_pb::TopicPolicy& policy) {
  storage::RetentionLimits limits;
  if (policy.retention_bytes() > 0) limits.bytes = policy.retention_bytes();
  if (policy.retention_ms() > 0) limits.age = std::chrono::milliseconds(policy.retention_ms());
  return limits;
}

sc_pb::AssignmentResult Result(const PartitionSpec& spec) {
  sc_pb::AssignmentResult result;
  result.set_partition_id(spec.state.id.value());
  result.set_spec_version(spec.spec_version);
  result.set_ok(true);
  return result;
}

sc_pb::AssignmentResult Refused(const PartitionSpec& spec, sc_pb::AssignmentRefusal reason,
                                const std::string& detail) {
  sc_pb::AssignmentResult result = Result(spec);
  result.set_ok(false);
  result.set_refusal(reason);
  result.set_detail(detail);
  return result;
}

}  // namespace

// What may go of one partition now, and by which rule.
std::optional<Volume::Reclaimable> Volume::ReclaimableOf(const Partition& partition) const {
  const storage::PartitionLog& log = partition.log();
  storage::TrimPlan leftovers = log.PlanLeftovers(Now());
  if (!leftovers.drop.empty()) return Reclaimable{"trimmed", std::move(leftovers)};
  storage::TrimPlan expired = log.PlanExpiry(LimitsOf(partition.policy), clock_.WallNow());
  if (!expired.drop.empty()) return Reclaimable{"retention", std::move(expired)};
  if (partition.policy.on_full() == sc_pb::ON_FULL_DROP_OLDEST && drop_allowance_bytes() > 0) {
    // The oldest closed segment, one at a time.
    const auto segments = log.Segments();
    if (segments.size() > 1 && !segments.front().busy) {
      auto oldest = log.PlanTrim(segments.front().end_offset);
      if (oldest.ok() && !oldest->drop.empty()) {
        return Reclaimable{"drop_oldest", *std::move(oldest)};
      }
    }
  }
  return std::nullopt;
}

// A neighbour's growth must not empty a topic: no more than we grew since the last reclaim.
std::int64_t Volume::drop_allowance_bytes() const {
  std::int64_t ours = 0;
  for (const auto& [id, partition] : partitions_) ours += partition->log().allocated_bytes();
  return ours - reclaim_floor_bytes_;
}

std::vector<space_pb::ReclaimStep> Volume::ReclaimCandidates() const {
  std::vector<space_pb::ReclaimStep> steps;
  for (const auto& [id, partition] : partitions_) {
    const auto reclaimable = ReclaimableOf(*partition);
    if (!reclaimable.has_value()) continue;
    space_pb::ReclaimStep& step = steps.emplace_back();
    step.set_action(reclaimable->plan.seals_active ? "drop segments, the active one too"
                                                   : "drop segments");
    step.set_partition_id(id.value());
    step.set_topic(partition->log().state().topic);
    step.set_partition(static_cast<std::int32_t>(partition->log().state().index));
    step.set_segment(storage::SegmentFileName(reclaimable->plan.drop.front()));
    step.set_expected_bytes(reclaimable->plan.expected_freed_bytes);
    step.set_policy(std::string(reclaimable->policy));
  }
  std::sort(steps.begin(), steps.end(),
            [](const auto& a, const auto& b) { return a.expected_bytes() > b.expected_bytes(); });
  return steps;
}

void Volume::ExpireSegments(Partition& partition) {
  storage::TrimPlan plan = partition.log().PlanLeftovers(Now());
  if (plan.drop.empty()) {
    plan = partition.log().PlanExpiry(LimitsOf(partition.policy), clock_.WallNow());
  }
  if (plan.drop.empty()) return;
  partition.RunPlan(plan, [](std::int64_t) {});
}

void Volume::StartReclaim(std::int64_t wanted_bytes) {
  reclaim_wanted_bytes_ = std::max(reclaim_wanted_bytes_, wanted_bytes);
  if (reclaiming_) return;
  reclaiming_ = true;
  reclaim_freed_bytes_ = 0;
  RunReclaimStep();
}

void Volume::Reclaim(absl::AnyInvocable<void(std::int64_t)> done) {
  on_reclaimed_.push_back(std::move(done));
  StartReclaim(std::max<std::int64_t>(1, BytesToResume()));
}

std::int64_t Volume::BytesToResume() const {
  const VolumeState state = State();
  if (!state.reading.has_value()) return 0;
  return std::max<std::int64_t>(
      0, state.marks.resume_bytes + state.marks.step_bytes - state.reading->available_bytes);
}

// One step, then its yield is seen, then the next.
void Volume::RunReclaimStep() {
  if (reclaim_freed_bytes_ >= reclaim_wanted_bytes_) return EndReclaim();
  Partition* best = nullptr;
  std::optional<Reclaimable> best_plan;
  for (const auto& [id, partition] : partitions_) {
    auto plan = ReclaimableOf(*partition);
    if (!plan.has_value()) continue;
    if (best_plan.has_value() &&
        plan->plan.expected_freed_bytes <= best_plan->plan.expected_freed_bytes) {
      continue;
    }
    best = partition.get();
    best_plan = std::move(plan);
  }
  if (best == nullptr) return EndReclaim();
  const bool begun = best->RunPlan(best_plan->plan,
                                   [this, guard = std::weak_ptr(alive_)](std::int64_t freed_bytes) {
                                     if (guard.expired()) return;
                                     reclaim_freed_bytes_ += freed_bytes;
                                     // Zero yield: something is wrong that repeating will not mend.
                                     if (freed_bytes == 0) return EndReclaim();
                                     RunReclaimStep();
                                   });
  if (!begun) EndReclaim();
}

void Volume::EndReclaim() {
  reclaiming_ = false;
  reclaim_floor_bytes_ = 0;
  for (const auto& [id, partition] : partitions_) {
    reclaim_floor_bytes_ += partition->log().allocated_bytes();
  }
  const std::int64_t short_bytes =
      std::max<std::int64_t>(0, reclaim_wanted_bytes_ - reclaim_freed_bytes_);
  reclaim_wanted_bytes_ = 0;
  Apply(event::ReclaimEnded{short_bytes > 0, short_bytes});
  for (auto& done : std::exchange(on_reclaimed_, {})) done(reclaim_freed_bytes_);
}

void Volume::Assign(const PartitionSpec& spec, Assigned done) {
  const base::PartitionId id = spec.state.id;
  if (driver_ == nullptr || opening_ > 0) {
    return done(
        Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD, "the volume is still opening"));
  }
  if (const auto unopened = unopened_.find(id); unopened != unopened_.end()) {
    return done(Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_DEVICE, unopened->second));
  }
  if (Partition* partition = Find(id)) {
    partition->assigned = true;
    partition->spec_version = spec.spec_version;
    partition->policy = spec.policy;
    partition->log().SetOptions(LogOptionsFor(spec.policy));
    return done(Result(spec));
  }
  if (!accepting_) {
    return done(Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD, WhyClosedCached().message()));
  }
  // Room for the directory and for the first step, of which only the first is taken now.
  const storage::SpaceCost cost = storage::CreatePartitionCost();
  auto answer =
      driver_->policy().Request(cost.bytes + marks_.step_bytes, cost.inodes + 1, clock_.Now());
  if (const auto* refusal = std::get_if<monitor::BudgetRefusal>(&answer)) {
    return done(Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_NO_ROOM, refusal->ToString()));
  }
  CreateOnDisk(spec, std::get<monitor::GrantId>(answer), std::move(done));
}

void Volume::CreateOnDisk(const PartitionSpec& spec, monitor::GrantId grant, Assigned done) {
  if (!creating_.insert(spec.state.id).second) {
    driver_->policy().Abandon(grant);
    return done(Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD, "it is being created"));
  }
  loop_.QueueWork(
      [disk = disk_, state = spec.state] {
        return storage::CreatePartition(disk->file_system(), disk->layout().partitions(), state);
      },
      [this, guard = std::weak_ptr(alive_), spec, grant,
       done = std::move(done)](const absl::Status& created) mutable {
        if (guard.expired()) return;
        creating_.erase(spec.state.id);
        if (created.ok()) {
          driver_->policy().Complete(grant, clock_.Now());
        } else {
          driver_->policy().Abandon(grant);
        }
        if (!created.ok() && !absl::IsAlreadyExists(created)) {
          Judge(monitor::DiskOperation::kAllocate, created, "create a partition");
          return done(
              Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_NO_ROOM, std::string(created.message())));
        }
        OpenPartition(spec.state.id, [this, spec, done = std::move(done)](
                                         base::PartitionId, const absl::Status& opened) mutable {
          if (!opened.ok()) {
            return done(
                Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_DEVICE, std::string(opened.message())));
          }
          Assign(spec, std::move(done));
        });
      });
}

void Volume::Delete(base::PartitionId id, absl::AnyInvocable<void(absl::Status)> done) {
  auto removed = partitions_.extract(id);  // readers and producers are told once it is out
  removed = {};
  step_users_.erase(id);
  loop_.QueueWork(
      [disk = disk_, id] {
        return storage::DeletePartition(disk->file_system(), disk->layout().partitions(), id);
      },
      [this, guard = std::weak_ptr(alive_), id,
       done = std::move(done)](const absl::StatusOr<storage::DeletedPartition>& deleted) mutable {
        if (guard.expired()) return;
        if (!deleted.ok()) {
          Judge(monitor::DiskOperation::kRemove, deleted.status(), "delete a partition");
          return done(deleted.status());
        }
        daemon::Log(LogLevel::kInfo, "partition.deleted",
                    {{"volume", disk_->path()},
                     {"partition_id", id.value()},
                     {"freed_bytes", deleted->freed_bytes}});
        OnFreed(deleted->freed_bytes);
        CountMissingSteps();
        done(absl::OkStatus());
      });
}

}  // namespace tidemark::spu
