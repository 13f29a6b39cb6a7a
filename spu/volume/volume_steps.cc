// Steps: the durable space that appends are admitted into, asked for within the write budget.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "daemon/log.h"
#include "spu/volume/volume.h"
#include "storage/segment/segment_name.h"

namespace tidemark::spu {

namespace event = monitor::event;
using monitor::BudgetRefusal;

void Volume::SeekStep(base::PartitionId id) {
  Partition* partition = Find(id);
  if (partition == nullptr || driver_ == nullptr) return;
  if (!accepting_ || stopping_) return RefuseStep(*partition);
  const bool urgent = partition->log().step_urgent();
  auto request = partition->log().StepWanted(Now());
  if (!request.has_value()) return;
  const storage::SpaceCost cost = request->cost();
  auto answer = driver_->policy().Request(cost.bytes, cost.inodes, clock_.Now());
  if (const auto* grant = std::get_if<monitor::GrantId>(&answer)) {
    AllocateStep(id, *std::move(request), *grant);
    if (driver_->policy().LowUnseen()) Apply(event::PollNow{});
    return;
  }
  partition->log().OnStepRefused();
  if (!urgent) return;  // only ahead of need: what is left of the step serves on
  const BudgetRefusal& refusal = std::get<BudgetRefusal>(answer);
  const bool fits_by_reading = refusal.available_bytes - refusal.full_bytes >= cost.bytes;
  if (refusal.reason == BudgetRefusal::Reason::kBytes ||
      refusal.reason == BudgetRefusal::Reason::kInodes) {
    Apply(event::NoStepFits{cost.bytes, cost.inodes});
    if (!accepting_) return;  // the gate has closed and told why
    if (!fits_by_reading) {
      return partition->RefuseParked(NoStepRefusal(State(), refusal.ToString(), true));
    }
  }
  // No fresh reading, or one that does not show yet what was taken: the next one decides. The
  // appends stay parked until then.
  awaiting_reading_.insert(id);
  Apply(event::PollNow{});
}

// The gate is closed: what is parked gets the gate's reason.
void Volume::RefuseStep(Partition& partition) {
  if (!partition.wants_step_urgently()) return;
  partition.log().OnStepRefused();
  partition.RefuseParked(WhyClosedCached());
}

void Volume::AllocateStep(base::PartitionId id, storage::StepRequest request,
                          monitor::GrantId grant) {
  work_.QueueWork(
      [disk = disk_, request = std::move(request)] {
        return storage::AllocateStep(disk->file_system(), request);
      },
      [this, guard = std::weak_ptr(alive_), id, grant](const storage::StepResult& result) {
        if (!guard.expired()) OnStepAllocated(id, result, grant);
      });
}

void Volume::OnStepAllocated(base::PartitionId id, const storage::StepResult& result,
                             monitor::GrantId grant) {
  if (result.status.ok()) {
    driver_->policy().Complete(grant, clock_.Now());
    step_users_.insert(id);
  } else {
    driver_->policy().Abandon(grant);
    if (!WentWithPartition(id, result)) JudgeStep(result);
  }
  if (Partition* partition = Find(id)) {
    // Space is what the gate says, and an allocation that met ENOSPC; nothing else.
    const bool of_space = absl::IsResourceExhausted(result.status) && !result.sync_failed;
    partition->OnStep(result, WhyClosed().value_or(NoStepRefusal(
                                  State(), std::string(result.status.message()), of_space)));
  }
  CountMissingSteps();
}

// Deleted meanwhile: that its directory is gone, too, is no fault of the device.
bool Volume::WentWithPartition(base::PartitionId id, const storage::StepResult& result) const {
  return Find(id) == nullptr && absl::IsNotFound(result.status);
}

void Volume::JudgeStep(const storage::StepResult& result) {
  Judge(result.sync_failed ? monitor::DiskOperation::kSync : monitor::DiskOperation::kAllocate,
        result.status, "allocate a step");
}

// A partition in use whose step is nearly gone cannot be sure of its next write. One that is not
// open yet may be in use: until somebody has looked, an episode does not end without its step.
std::vector<base::PartitionId> Volume::StepsMissing() const {
  std::vector<base::PartitionId> missing;
  for (const auto& [id, why] : unopened_) {
    if (InEpisode() && MayOpenLater(why)) missing.push_back(id);
  }
  for (const base::PartitionId id : step_users_) {
    const Partition* partition = Find(id);
    if (partition == nullptr || !partition->assigned || partition->log().failed()) continue;
    if (partition->log().state().lost_data.has_value()) continue;  // takes no appends
    if (partition->log().held_step_bytes() < marks_.step_bytes / 2) missing.push_back(id);
  }
  return missing;
}

void Volume::CountMissingSteps() {
  const auto missing = static_cast<std::int64_t>(StepsMissing().size());
  if (missing == steps_missing_) return;
  steps_missing_ = missing;
  Apply(event::StepsMissing{missing});
}

std::int64_t Volume::steps_held() const {
  return std::count_if(partitions_.begin(), partitions_.end(),
                       [](const auto& entry) { return entry.second->log().held_step_bytes() > 0; });
}

std::int64_t Volume::steps_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& [id, partition] : partitions_) bytes += partition->log().held_step_bytes();
  return bytes;
}

void Volume::TakeSteps(std::int64_t steps, absl::AnyInvocable<void(StepsTaken)> done) {
  std::vector<base::PartitionId> missing = StepsMissing();
  if (std::cmp_greater(missing.size(), steps)) missing.resize(static_cast<std::size_t>(steps));
  TakeNextStep(std::move(missing), {}, std::move(done));
}

void Volume::TakeNextStep(std::vector<base::PartitionId> left, StepsTaken taken,
                          absl::AnyInvocable<void(StepsTaken)> done) {
  std::optional<storage::StepRequest> request;
  base::PartitionId id;
  while (!left.empty() && !request.has_value()) {
    id = left.back();
    left.pop_back();
    if (unopened_.contains(id)) {
      return TakeStepOfUnopened(id, std::move(left), std::move(taken), std::move(done));
    }
    Partition* partition = Find(id);
    if (partition == nullptr) continue;
    partition->log().DemandStep(Now());
    request = partition->log().StepWanted(Now());
    if (!request.has_value() && partition->log().step_urgent() && taken.status.ok()) {
      taken.status = absl::UnavailableError(absl::StrFormat(
          "partition %d is being trimmed, sealed or written: no step for it yet", id.value()));
    }
  }
  if (!request.has_value()) {
    CountMissingSteps();
    return done(std::move(taken));
  }
  work_.QueueWork(
      [disk = disk_, request = *std::move(request)] {
        return storage::AllocateStep(disk->file_system(), request);
      },
      [this, guard = std::weak_ptr(alive_), id, left = std::move(left), taken = std::move(taken),
       done = std::move(done)](const storage::StepResult& result) mutable {
        if (guard.expired()) return;
        Partition* partition = Find(id);
        if (partition != nullptr) partition->log().OnStep(result);
        if (!result.status.ok() && !WentWithPartition(id, result)) {
          if (result.sync_failed) JudgeStep(result);
          taken.status = result.status;
          CountMissingSteps();
          return done(std::move(taken));
        }
        if (partition != nullptr) {
          ++taken.steps;
          taken.bytes += partition->log().held_step_bytes();
        }
        TakeNextStep(std::move(left), std::move(taken), std::move(done));
      });
}

void Volume::TakeStepOfUnopened(base::PartitionId id, std::vector<base::PartitionId> left,
                                StepsTaken taken, absl::AnyInvocable<void(StepsTaken)> done) {
  OpenAgain(id, [this, id, left = std::move(left), taken = std::move(taken),
                 done = std::move(done)]() mutable {
    if (const auto unopened = unopened_.find(id); unopened != unopened_.end()) {
      taken.status = unopened->second;
      CountMissingSteps();
      return done(std::move(taken));
    }
    left.push_back(id);
    TakeNextStep(std::move(left), std::move(taken), std::move(done));
  });
}

// A file's size says what was promised, st_blocks what is there.
void Volume::VerifySteps(absl::AnyInvocable<void(std::string)> done) {
  std::vector<std::string> files;
  for (const auto& [id, partition] : partitions_) {
    for (const storage::SegmentSummary& segment : partition->log().Segments()) {
      if (!segment.active) continue;
      files.push_back(storage::JoinPath(partition->log().directory(),
                                        storage::SegmentFileName(segment.base_offset)));
    }
  }
  work_.QueueWork(
      [disk = disk_, files = std::move(files)]() -> std::string {
        for (const std::string& file : files) {
          const auto stat = disk->file_system().Stat(file);
          if (!stat.ok()) return std::string(stat.status().message());
          if (stat->allocated_bytes >= stat->size) continue;
          return absl::StrFormat("'%s' is %d bytes long, but only %d are allocated", file,
                                 stat->size, stat->allocated_bytes);
        }
        return "";
      },
      [guard = std::weak_ptr(alive_), done = std::move(done)](const std::string& wrong) mutable {
        if (!guard.expired()) done(wrong);
      });
}

void Volume::OnGate(bool open) {
  why_closed_.reset();
  if (accepting_ == open) return;
  accepting_ = open;
  daemon::Log(
      open ? daemon::LogLevel::kInfo : daemon::LogLevel::kWarn,
      open ? "volume.gate_opened" : "volume.gate_closed",
      {{"volume", disk_->path()}, {"holds", monitor::DescribeHolds(driver_->policy().HoldsNow())}});
  TellGate();
  if (open) listener_.OnVolumeChanged(uuid());
}

void Volume::SetFence(const std::string& why) {
  if (why == fence_) return;
  fence_ = why;
  TellGate();
  listener_.OnVolumeChanged(uuid());
}

void Volume::TellGate() {
  why_closed_.reset();
  const std::optional<Refusal> why = WhyClosed();
  for (const auto& [id, partition] : partitions_) {
    if (why.has_value()) partition->RefuseParked(*why);
    partition->gate().Call(why);
  }
}

void Volume::OnVerdict(const std::optional<monitor::DeviceHold>& fault) {
  why_closed_.reset();
  device_fault_ = fault;
  CountMissingSteps();  // an episode asks for more
  listener_.OnVolumeChanged(uuid());
}

void Volume::OnReading() {
  why_closed_.reset();
  if (const auto& reading = driver_->policy().Explain(clock_.Now()).reading; reading.has_value()) {
    ObserveReclaim(*reading);
  }
  for (const base::PartitionId id : std::exchange(awaiting_reading_, {})) {
    if (Partition* partition = Find(id)) partition->AdmitParked();
  }
  listener_.OnVolumeChanged(uuid());
}

}  // namespace tidemark::spu
