// Giving space back: retention, reclaim, and partitions coming and going.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
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

// Of a creation that failed. Out of descriptors or memory is no lack of room: it cannot be now.
sc_pb::AssignmentRefusal WhyNotCreated(const absl::Status& created) {
  switch (monitor::JudgeStatus(monitor::DiskOperation::kAllocate, created).meaning) {
    case monitor::ErrnoMeaning::kSpace:
      return sc_pb::ASSIGNMENT_REFUSAL_NO_ROOM;
    case monitor::ErrnoMeaning::kDevice:
      return sc_pb::ASSIGNMENT_REFUSAL_DEVICE;
    case monitor::ErrnoMeaning::kUnavailable:
    case monitor::ErrnoMeaning::kRefused:
      break;
  }
  return sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD;
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

void Volume::Assign(const PartitionSpec& spec, Assigned done) {
  const base::PartitionId id = spec.state.id;
  if (driver_ == nullptr || opening_ > 0) {
    return done(
        Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD, "the volume is still opening"));
  }
  if (deleting_.contains(id) || undeleted_.contains(id)) {
    return done(Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD, "it is being deleted"));
  }
  if (const auto unopened = unopened_.find(id); unopened != unopened_.end()) {
    if (MayOpenLater(unopened->second)) return AssignUnopened(spec, std::move(done));
    return done(
        Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_DEVICE, std::string(unopened->second.message())));
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

void Volume::AssignUnopened(const PartitionSpec& spec, Assigned done) {
  OpenAgain(spec.state.id, [this, spec, done = std::move(done)]() mutable {
    const auto unopened = unopened_.find(spec.state.id);
    if (unopened != unopened_.end() && MayOpenLater(unopened->second)) {
      return done(Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD,
                          std::string(unopened->second.message())));
    }
    Assign(spec, std::move(done));
  });
}

// Its turn comes with every assignment and every proof, and those that failed are tried again.
void Volume::OpenAgain(base::PartitionId id, absl::AnyInvocable<void()> done) {
  if (!creating_.insert(id).second) return done();  // somebody else is at it
  OpenPartition(id, [this, done = std::move(done)](base::PartitionId opened_id,
                                                   const absl::Status& opened) mutable {
    creating_.erase(opened_id);
    if (MayOpenLater(opened)) {
      unopened_[opened_id] = opened;
      return done();
    }
    if (opened.ok()) {
      unopened_.erase(opened_id);
    } else {
      NoteUnopened(opened_id, opened);
      if (!recovery_fault_.empty()) {
        Apply(monitor::event::DeviceFailed{monitor::DeviceCause::kIoError, recovery_fault_});
      }
    }
    listener_.OnVolumeChanged(uuid());  // before an answer, which tells nothing of lost data
    done();
  });
}

void Volume::CreateOnDisk(const PartitionSpec& spec, monitor::GrantId grant, Assigned done) {
  if (!creating_.insert(spec.state.id).second) {
    driver_->policy().Abandon(grant);
    return done(Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD, "it is being created"));
  }
  storage::PartitionState state = spec.state;
  if (spec.taken_before) {
    // Never silently empty: what it held was acknowledged, and is not here.
    state.lost_data = storage::LostDataHold{
        absl::StrFormat("its directory is gone from volume '%s'", disk_->path()), {}};
    daemon::Log(LogLevel::kError, "partition.lost",
                {{"volume", disk_->path()},
                 {"partition_id", spec.state.id.value()},
                 {"topic", spec.state.topic}});
  }
  loop_.QueueWork(
      [disk = disk_, state = std::move(state)] {
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
          return done(Refused(spec, WhyNotCreated(created), std::string(created.message())));
        }
        OpenPartition(spec.state.id, [this, spec, done = std::move(done)](
                                         base::PartitionId, const absl::Status& opened) mutable {
          if (!opened.ok()) {
            return done(
                Refused(spec, sc_pb::ASSIGNMENT_REFUSAL_DEVICE, std::string(opened.message())));
          }
          // What is lost is told first: acknowledged without it, it would show as Online and empty.
          if (spec.taken_before) listener_.OnVolumeChanged(uuid());
          Assign(spec, std::move(done));
        });
      });
}

void Volume::Delete(base::PartitionId id, absl::AnyInvocable<void(absl::Status)> done) {
  if (creating_.contains(id)) {
    undeleted_.insert(id);
    return done(absl::UnavailableError("it is being created; it is deleted after that"));
  }
  if (!deleting_.insert(id).second) {
    return done(absl::UnavailableError("it is being deleted"));
  }
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
        deleting_.erase(id);
        if (!deleted.ok()) {
          undeleted_.insert(id);
          Judge(monitor::DiskOperation::kRemove, deleted.status(), "delete a partition");
          return done(deleted.status());
        }
        undeleted_.erase(id);
        unopened_.erase(id);
        daemon::Log(LogLevel::kInfo, "partition.deleted",
                    {{"volume", disk_->path()},
                     {"partition_id", id.value()},
                     {"freed_bytes", deleted->freed_bytes}});
        OnFreed(deleted->freed_bytes);
        CountMissingSteps();
        done(absl::OkStatus());
      });
}

// The order to delete stands until it is carried out.
void Volume::DeleteAgain() {
  for (const base::PartitionId id : std::set(undeleted_)) {
    Delete(id, [this](const absl::Status& deleted) {
      if (deleted.ok()) listener_.OnVolumeChanged(uuid());
    });
  }
}

}  // namespace tidemark::spu
