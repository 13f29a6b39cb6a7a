#include "spu/partition.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "storage/log/partition_trim.h"
#include "storage/segment/segment_reader.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;

storage::Isolation StorageIsolation(Isolation isolation) {
  return isolation == Isolation::kWritten ? storage::Isolation::kWritten
                                          : storage::Isolation::kDurable;
}

Refusal OutOfRange(const absl::Status& status, const storage::LogBounds& bounds) {
  Refusal refusal = RefusalOfStatus(status);
  refusal.set_log_start(bounds.log_start.value());
  refusal.set_log_end(bounds.log_end.value());
  return refusal;
}

Refusal PartitionGone() {
  return MakeRefusal(log_pb::REFUSAL_REASON_UNKNOWN_PARTITION,
                     "the partition was deleted meanwhile");
}

}  // namespace

Partition::Partition(PartitionVolume& volume, storage::RecoveredPartition recovered,
                     const storage::LogOptions& options)
    : volume_(volume), log_(std::move(recovered), options) {}

Partition::~Partition() {
  const Refusal gone = PartitionGone();
  RefuseParked(gone);
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    if (!waiting.done) continue;
    AppendResult result;
    result.refusal = gone;
    waiting.done(std::move(result));
  }
  advance_.Call();
}

void Partition::RefuseAppend(AppendCommand& command, Refusal refusal) {
  AppendResult result;
  result.refusal = std::move(refusal);
  command.done(std::move(result));
}

void Partition::Append(AppendCommand command) {
  if (!parked_.empty()) {
    volume_.OnParked(static_cast<std::int64_t>(command.batch.size()));
    parked_.push_back(std::move(command));
    return;
  }
  Admit(std::move(command));
}

void Partition::Admit(AppendCommand command) {
  storage::Admission admission = log_.Append(command.batch, command.header, volume_.Now());
  switch (admission.outcome) {
    case storage::Admission::Outcome::kRefused: {
      AppendResult result;
      result.durable_end = log_.DurableEnd();
      result.refusal = RefusalOfStatus(admission.refusal);
      if (log_.state().lost_data.has_value()) {
        result.refusal->set_reason(log_pb::REFUSAL_REASON_LOST_DATA);
      }
      command.done(std::move(result));
      return;
    }
    case storage::Admission::Outcome::kNeedsStep:
      volume_.OnParked(static_cast<std::int64_t>(command.batch.size()));
      parked_.push_front(std::move(command));
      volume_.SeekStep(id());
      return;
    case storage::Admission::Outcome::kAdmitted:
      waiting_.push_back({admission.base_offset, admission.end_offset, command.header.record_count,
                          command.acks, std::move(command.done)});
      volume_.Commit(std::move(admission.write));
      volume_.SeekStep(id());  // ahead of need
      return;
  }
}

void Partition::AdmitParked() {
  while (!parked_.empty()) {
    const std::size_t before = parked_.size();
    AppendCommand command = std::move(parked_.front());
    parked_.pop_front();
    volume_.OnParked(-static_cast<std::int64_t>(command.batch.size()));
    Admit(std::move(command));
    if (parked_.size() >= before) return;  // it waits again, first in line
  }
}

void Partition::Answer(Waiting& waiting) {
  if (!waiting.done) return;
  AppendResult result;
  result.base_offset = waiting.base_offset;
  result.records = waiting.records;
  result.durable_end = log_.DurableEnd();
  std::exchange(waiting.done, nullptr)(std::move(result));
}

void Partition::OnWritten(base::Offset end) {
  log_.OnWritten(end);
  for (Waiting& waiting : waiting_) {
    if (waiting.end_offset > end) break;
    if (waiting.acks == Acks::kWritten) Answer(waiting);
  }
  advance_.Call();
}

void Partition::OnDurable(base::Offset end) {
  log_.OnDurable(end);
  while (!waiting_.empty() && waiting_.front().end_offset <= end) {
    Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    Answer(waiting);
  }
  SeekStepAgain();  // a new segment waits for all before it
  advance_.Call();
}

void Partition::SeekStepAgain() {
  if (wants_step_urgently()) volume_.SeekStep(id());
}

void Partition::OnCommitFailed(const absl::Status& why) {
  log_.OnCommitFailed(why);
  const Refusal refusal =
      MakeRefusal(log_pb::REFUSAL_REASON_COMMIT_FAILED,
                  absl::StrFormat("append not acknowledged: %s", why.message()));
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    if (!waiting.done) continue;
    AppendResult result;
    result.durable_end = log_.DurableEnd();
    result.refusal = refusal;
    waiting.done(std::move(result));
  }
  RefuseParked(refusal);
  advance_.Call();
}

void Partition::OnStep(const storage::StepResult& result, const Refusal& if_failed) {
  log_.OnStep(result);
  if (result.status.ok()) return AdmitParked();
  RefuseParked(if_failed);
}

void Partition::OnStepRefused(const Refusal& why) {
  log_.OnStepRefused();
  RefuseParked(why);
}

void Partition::RefuseParked(const Refusal& why) {
  for (AppendCommand& command : std::exchange(parked_, {})) {
    volume_.OnParked(-static_cast<std::int64_t>(command.batch.size()));
    AppendResult result;
    result.durable_end = log_.DurableEnd();
    result.refusal = why;
    command.done(std::move(result));
  }
}

void Partition::Read(ReadCommand command) {
  const storage::Isolation isolation = StorageIsolation(command.isolation);
  ReadResult result;
  result.next = command.from;
  result.durable_end = log_.DurableEnd();
  result.log_start = log_.LogStart();
  auto plan = log_.PlanRead(command.from, command.bytes_max, isolation);
  if (!plan.ok()) {
    result.refusal = OutOfRange(plan.status(), log_.Bounds(isolation));
    return command.done(std::move(result));
  }
  if (!plan->has_value()) return command.done(std::move(result));
  volume_.work().QueueWork(
      [file_system = volume_.file_system(), request = **std::move(plan)] {
        return storage::ReadSegment(*file_system, request);
      },
      [this, guard = std::weak_ptr(alive_), command = std::move(command),
       result = std::move(result)](absl::StatusOr<storage::ReadBatches> read) mutable {
        if (guard.expired()) {
          result.refusal = PartitionGone();
          return command.done(std::move(result));
        }
        // Deleted under the reader: the next plan says where the log starts now.
        if (absl::IsNotFound(read.status())) return Read(std::move(command));
        if (!read.ok()) {
          result.refusal = RefusalOfStatus(read.status());
          return command.done(std::move(result));
        }
        log_.OnRead(*read);
        result.records = std::move(read->batches);
        result.next = read->next_offset;
        command.done(std::move(result));
      });
}

void Partition::OffsetForTime(base::WallMillis time,
                              absl::AnyInvocable<void(absl::StatusOr<base::Offset>)> done) {
  auto plan = log_.PlanOffsetForTime(time, storage::Isolation::kDurable);
  const base::Offset end = log_.DurableEnd();
  if (!plan.has_value()) return done(end);
  volume_.work().QueueWork(
      [file_system = volume_.file_system(), search = *std::move(plan)] {
        return storage::SearchTime(*file_system, search);
      },
      [end,
       done = std::move(done)](absl::StatusOr<std::optional<storage::TimedOffset>> found) mutable {
        if (!found.ok()) return done(found.status());
        done(found->has_value() ? (*found)->offset : end);
      });
}

bool Partition::RunPlan(const storage::TrimPlan& plan,
                        absl::AnyInvocable<void(std::int64_t)> done) {
  auto request = log_.BeginTrim(plan);
  if (!request.ok()) return false;
  volume_.work().QueueWork(
      [file_system = volume_.file_system(), request = *std::move(request)] {
        return storage::TrimPartition(*file_system, request);
      },
      [this, guard = std::weak_ptr(alive_),
       done = std::move(done)](const storage::TrimResult& result) mutable {
        if (guard.expired()) return done(result.freed_bytes);
        log_.OnTrimmed(result);
        if (log_.step_urgent()) volume_.SeekStep(id());  // none is given during a trim
        if (!result.state_status.ok()) {
          volume_.OnDeviceFault(result.state_status, "write the partition's log start");
        }
        volume_.OnFreed(result.freed_bytes);
        advance_.Call();
        SeekStepAgain();
        done(result.freed_bytes);
      });
  return true;
}

void Partition::Trim(base::Offset before, absl::AnyInvocable<void(TrimResult)> done) {
  TrimResult result;
  result.log_start = log_.LogStart();
  auto plan = log_.PlanTrim(before);
  if (!plan.ok()) {
    result.refusal = OutOfRange(plan.status(), log_.Bounds(storage::Isolation::kDurable));
    return done(std::move(result));
  }
  if (plan->empty(log_.LogStart())) return done(std::move(result));
  // Both callbacks need `done`, and only one of them comes.
  auto shared = std::make_shared<absl::AnyInvocable<void(TrimResult)>>(std::move(done));
  const bool begun =
      RunPlan(*plan, [this, guard = std::weak_ptr(alive_), shared](std::int64_t freed_bytes) {
        TrimResult trimmed;
        trimmed.freed_bytes = freed_bytes;
        if (!guard.expired()) trimmed.log_start = log_.LogStart();
        (*shared)(std::move(trimmed));
      });
  if (begun) return;
  result.refusal = MakeRefusal(log_pb::REFUSAL_REASON_OVERLOADED,
                               "trim refused: another trim of this partition is under way");
  result.refusal->set_retry_delay_ms(200);
  (*shared)(std::move(result));
}

}  // namespace tidemark::spu
