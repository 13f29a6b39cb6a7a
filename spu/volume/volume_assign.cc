// Partitions come and go as the SC assigns them. Of one that is being made, opened late or removed
// nobody else gets hold.
#include <utility>

#include "absl/strings/str_format.h"
#include "daemon/log.h"
#include "spu/volume/volume.h"

namespace tidemark::spu {
namespace {

namespace sc_pb = tidemark::sc::v1;
using daemon::LogLevel;

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
  // Somebody else is at it, or about to remove it.
  if (deleting_.contains(id) || !creating_.insert(id).second) return done();
  OpenPartition(id, [this, done = std::move(done)](base::PartitionId opened_id,
                                                   const absl::Status& opened) mutable {
    OnOpenedLate(opened_id, opened);
    // Before an answer, which tells nothing of lost data.
    if (!MayOpenLater(opened)) listener_.OnVolumeChanged(uuid());
    done();
  });
}

// Until now nobody else was let near it.
void Volume::OnOpenedLate(base::PartitionId id, const absl::Status& opened) {
  creating_.erase(id);
  if (opened.ok()) {
    unopened_.erase(id);
  } else if (MayOpenLater(opened)) {
    unopened_[id] = opened;
  } else {
    NoteUnopened(id, opened);
    if (recovery_fault_.empty()) return;
    Apply(monitor::event::DeviceFailed{monitor::DeviceCause::kIoError, recovery_fault_});
  }
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
  work_.QueueWork(
      [disk = disk_, state = std::move(state)] {
        return storage::CreatePartition(disk->file_system(), disk->layout().partitions(), state);
      },
      [this, guard = std::weak_ptr(alive_), spec, grant,
       done = std::move(done)](const absl::Status& created) mutable {
        if (guard.expired()) return;
        if (created.ok()) {
          driver_->policy().Complete(grant, clock_.Now());
        } else {
          driver_->policy().Abandon(grant);
        }
        if (!created.ok() && !absl::IsAlreadyExists(created)) {
          creating_.erase(spec.state.id);
          Judge(monitor::DiskOperation::kAllocate, created, "create a partition");
          return done(Refused(spec, WhyNotCreated(created), std::string(created.message())));
        }
        OpenPartition(spec.state.id, [this, spec, done = std::move(done)](
                                         base::PartitionId id, const absl::Status& opened) mutable {
          OnOpenedLate(id, opened);
          if (!opened.ok()) {
            listener_.OnVolumeChanged(uuid());
            return done(Refused(spec,
                                MayOpenLater(opened) ? sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD
                                                     : sc_pb::ASSIGNMENT_REFUSAL_DEVICE,
                                std::string(opened.message())));
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
  work_.QueueWork(
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
