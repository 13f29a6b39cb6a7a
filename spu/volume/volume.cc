#include "spu/volume/volume.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "daemon/log.h"
#include "storage/segment/segment_seal.h"

namespace tidemark::spu {
namespace {

namespace event = monitor::event;
namespace log_pb = tidemark::log::v1;
using daemon::LogLevel;

}  // namespace

Volume::Volume(daemon::EventLoop& loop, const base::Clock& clock, std::shared_ptr<VolumeDisk> disk,
               const VolumeOptions& options, VolumeListener& listener)
    : loop_(loop),
      clock_(clock),
      disk_(std::move(disk)),
      options_(options),
      listener_(listener),
      work_(loop, kPoolThreadsPerVolume),
      commit_thread_(loop, "commit"),
      commits_(commit_thread_, *this),
      housekeeping_(loop, [this] { Housekeep(); }),
      start_deadline_(loop, [this] { OnNoFirstLook(); }) {}

Volume::~Volume() {
  if (first_look_ != nullptr) first_look_->Abandon();
  partitions_.clear();
}

Partition* Volume::Find(base::PartitionId partition) const {
  const auto found = partitions_.find(partition);
  return found == partitions_.end() ? nullptr : found->second.get();
}

bool Volume::Keeps(base::PartitionId partition) const {
  return Find(partition) != nullptr || unopened_.contains(partition) ||
         creating_.contains(partition) || deleting_.contains(partition) ||
         undeleted_.contains(partition);
}

VolumeState Volume::State() const {
  VolumeState state;
  state.uuid = uuid().ToString();
  state.path = disk_->path();
  state.accepting = accepting_;
  state.fence = fence_;
  state.marks = marks_;
  state.device_fault = device_fault_;
  if (driver_ == nullptr) return state;
  const monitor::SpacePolicy& policy = driver_->policy();
  const base::MonotonicTime now = clock_.Now();
  const monitor::Explanation explanation = policy.Explain(now);
  // What is decided counts before it is durable; what is durable counts until it is lifted durably.
  state.holds = policy.wanted_holds().empty() ? policy.durable().holds : policy.wanted_holds();
  state.device_fault = policy.device_fault();
  state.marks = policy.marks();
  state.reading = explanation.reading;
  if (explanation.proof_failure.has_value()) {
    state.retry_after = std::max(base::Duration(0), explanation.proof_failure->next_try - now);
  }
  return state;
}

void Volume::Append(AppendCommand command) {
  const auto refuse = [&command](Refusal refusal) {
    AppendResult result;
    result.refusal = std::move(refusal);
    command.done(std::move(result));
  };
  Partition* partition = Find(command.partition);
  if (partition == nullptr || !partition->assigned)
    return refuse(UnknownPartition(command.partition));
  if (stopping_) {
    return refuse(MakeRefusal(log_pb::REFUSAL_REASON_SHUTTING_DOWN, "the SPU is shutting down"));
  }
  if (!admits()) return refuse(WhyClosedCached());
  const std::int64_t queued_bytes = commits_.bytes() + parked_bytes_;
  if (queued_bytes > options_.commit_queue_bytes_max) {
    Refusal refusal =
        MakeRefusal(log_pb::REFUSAL_REASON_OVERLOADED,
                    absl::StrFormat("append refused: %d bytes wait for volume '%s', at most %d may",
                                    queued_bytes, disk_->path(), options_.commit_queue_bytes_max));
    refusal.set_retry_delay_ms(100);
    return refuse(std::move(refusal));
  }
  partition->Append(std::move(command));
}

// A flood of refused appends must not cost a description of the volume each.
const Refusal& Volume::WhyClosedCached() {
  if (!why_closed_.has_value()) {
    why_closed_ = WhyClosed().value_or(
        MakeRefusal(log_pb::REFUSAL_REASON_PROVISIONING, "append refused: the volume is opening"));
  }
  return *why_closed_;
}

void Volume::Apply(const monitor::SpaceEvent& event) {
  if (driver_ == nullptr) return early_events_.push_back(event);  // the verdict has not begun
  driver_->Apply(event);
}

void Volume::Judge(monitor::DiskOperation operation, const absl::Status& status,
                   const std::string& what) {
  const monitor::ErrnoVerdict verdict = monitor::JudgeStatus(operation, status);
  const int error_number = base::ErrnoOf(status).value_or(0);
  if (error_number == ENOSPC || error_number == EDQUOT) {
    ++(operation == monitor::DiskOperation::kAllocate ? no_space_errors_.allocations
                                                      : no_space_errors_.writes);
  }
  const std::string detail = absl::StrFormat("%s: %s", what, status.message());
  daemon::Log(LogLevel::kWarn, "volume.call_failed",
              {{"volume", disk_->path()},
               {"what", what},
               {"error", status.message()},
               {"meaning", monitor::ErrnoMeaningName(verdict.meaning)}});
  switch (verdict.meaning) {
    case monitor::ErrnoMeaning::kSpace:
      return Apply(event::AllocationFailed{verdict.space_cause, detail});
    case monitor::ErrnoMeaning::kDevice:
      return Apply(event::DeviceFailed{verdict.device_cause, detail});
    case monitor::ErrnoMeaning::kUnavailable:
    case monitor::ErrnoMeaning::kRefused:
      return;
  }
}

void Volume::OnDeviceFault(const absl::Status& status, const std::string& what) {
  Judge(monitor::DiskOperation::kJournal, status, what);
}

void Volume::OnWritten(base::PartitionId partition, base::Offset end) {
  if (Partition* found = Find(partition)) found->OnWritten(end);
}

void Volume::OnDurable(base::PartitionId id, base::Offset end) {
  Partition* partition = Find(id);
  if (partition == nullptr) return;
  partition->OnDurable(end);
  SealRolled(*partition);
}

void Volume::OnCommitFailed(const storage::CommitFailure& failure,
                            const std::vector<base::PartitionId>& partitions) {
  const absl::Status why =
      base::Annotate(failure.status, failure.operation == storage::CommitFailure::Operation::kSync
                                         ? absl::StrFormat("sync '%s'", failure.path)
                                         : absl::StrFormat("write '%s'", failure.path));
  Judge(failure.operation == storage::CommitFailure::Operation::kSync
            ? monitor::DiskOperation::kSync
            : monitor::DiskOperation::kJournal,
        failure.status, "commit");
  for (const base::PartitionId id : partitions) {
    if (Partition* partition = Find(id)) partition->OnCommitFailed(why);
  }
}

void Volume::OnFreed(std::int64_t bytes) {
  freed_bytes_ += bytes;
  Apply(event::SpaceFreed{bytes});
}

void Volume::SealRolled(Partition& partition) {
  auto request = partition.log().SealWanted();
  if (!request.has_value()) return;
  std::optional<monitor::GrantId> grant;
  if (const storage::SpaceCost cost = request->cost(); cost.bytes > 0 || cost.inodes > 0) {
    auto answer = driver_->policy().Request(cost.bytes, cost.inodes, clock_.Now());
    if (std::holds_alternative<monitor::GrantId>(answer)) {
      grant = std::get<monitor::GrantId>(answer);
    } else {
      request->index.reset();  // an index is only a shortcut: it is rebuilt when wanted
    }
  }
  work_.QueueWork(
      [disk = disk_, request = *std::move(request)] {
        return storage::SealSegment(disk->file_system(), request);
      },
      [this, guard = std::weak_ptr(alive_), id = partition.id(),
       grant](const storage::SealResult& result) {
        if (guard.expired()) return;
        if (grant.has_value()) {
          if (result.index_status.ok()) {
            driver_->policy().Complete(*grant, clock_.Now());
          } else {
            driver_->policy().Abandon(*grant);
          }
        }
        if (!result.status.ok()) {
          Judge(monitor::DiskOperation::kRemove, result.status, "seal a segment");
        }
        if (Partition* found = Find(id)) {
          found->log().OnSealed(result);
          SealRolled(*found);
          found->SeekStepAgain();
        }
      });
}

bool Volume::InEpisode() const {
  const auto& record = driver_ != nullptr ? std::optional(driver_->policy().durable())
                                          : disk_->slots().loaded().record;
  return record.has_value() && record->holds.space.has_value();
}

// Who is refused is not idle: he would have to be given his step again.
void Volume::ReleaseIdleStep(Partition& partition) {
  if (!accepting_) return;
  auto request = partition.log().StepReleaseWanted(Now());
  if (!request.has_value()) return;
  work_.QueueWork(
      [disk = disk_, request = *std::move(request)] {
        return storage::SealSegment(disk->file_system(), request);
      },
      [this, guard = std::weak_ptr(alive_),
       id = partition.id()](const storage::SealResult& result) {
        if (guard.expired()) return;
        Partition* found = Find(id);
        if (found == nullptr) return;
        found->log().OnSealed(result);
        // It gave its step back by itself: a proof need not take it again.
        if (result.status.ok()) step_users_.erase(id);
        CountMissingSteps();
      });
}

void Volume::Housekeep() {
  if (driver_ == nullptr || stopping_) return;
  const storage::Moment now = Now();
  const bool expire = now.monotonic - last_expiry_ >= options_.retention_interval;
  if (expire) last_expiry_ = now.monotonic;
  for (const auto& [id, partition] : partitions_) {
    partition->log().RollIfDue(now);
    SealRolled(*partition);
    ReleaseIdleStep(*partition);
    if (expire) ExpireSegments(*partition);
  }
  if (expire) DeleteAgain();
  CountMissingSteps();
}

void Volume::Stop(absl::AnyInvocable<void()> done) {
  stopping_ = true;
  housekeeping_.Stop();
  const Refusal refusal =
      MakeRefusal(log_pb::REFUSAL_REASON_SHUTTING_DOWN, "the SPU is shutting down");
  for (const auto& [id, partition] : partitions_) partition->RefuseParked(refusal);
  stop_poll_ = std::make_unique<daemon::Timer>(
      loop_, [this, done = std::move(done)]() mutable { CloseWhenIdle(done); });
  stop_poll_->StartPeriodic(std::chrono::milliseconds(5));
}

void Volume::CloseWhenIdle(absl::AnyInvocable<void()>& done) {
  const bool idle = (commits_.idle() || commits_.failed()) && closing_ == 0 && opening_ == 0;
  if (!idle) return;
  if (!closed_) {
    for (const auto& [id, partition] : partitions_) {
      if (!partition->log().idle() && !partition->log().failed()) return;
    }
    closed_ = true;
    // After a device fault nobody knows what is on the disk: the next start has to look.
    const bool trusted = driver_ == nullptr || !driver_->policy().device_fault().has_value();
    for (const auto& [id, partition] : partitions_) {
      if (!trusted) break;
      auto state = partition->log().Close();
      if (!state.ok()) continue;  // failed: recovery will look at it
      ++closing_;
      work_.QueueWork(
          [disk = disk_, directory = partition->log().directory(), state = *std::move(state)] {
            return storage::SavePartitionState(disk->file_system(), directory, state);
          },
          [this, guard = std::weak_ptr(alive_)](const absl::Status&) {
            if (!guard.expired()) --closing_;
          });
    }
    return;
  }
  if (driver_ != nullptr) driver_->Stop();
  stop_poll_->Stop();
  auto finished = std::move(done);
  finished();
}

}  // namespace tidemark::spu
