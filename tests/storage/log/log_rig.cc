#include "tests/storage/log/log_rig.h"

#include <utility>

#include "storage/segment/segment_name.h"

namespace tidemark::storage {

std::string LogRig::SegmentPath(base::Offset base) const {
  return JoinPath(directory(), SegmentFileName(base));
}

absl::Status LogRig::Open() {
  TM_ASSIGN_OR_RETURN(RecoveredPartition opened,
                      OpenPartition(file_system_, directory(), options_));
  recovered_ = opened;
  // Only the log may hold the active file.
  for (LogSegment& segment : recovered_.segments) segment.file.reset();
  log_ = std::make_unique<PartitionLog>(std::move(opened), options_);
  return absl::OkStatus();
}

absl::Status LogRig::Stop() {
  TM_ASSIGN_OR_RETURN(const PartitionState state, log_->Close());
  log_.reset();
  return SavePartitionState(file_system_, directory(), state);
}

Admission LogRig::Admit(const Buffer& batch) {
  const auto header = CheckArrivedBatch(batch.bytes(), {.batch_bytes_max = kBatchBytesCeiling});
  EXPECT_OK(header);
  while (true) {
    Admission admission = log_->Append(batch, *header, now_);
    if (admission.outcome != Admission::Outcome::kNeedsStep) return admission;
    const auto request = log_->StepWanted(now_);
    if (!request.has_value()) return admission;
    const StepResult result = AllocateStep(file_system_, *request);
    log_->OnStep(result);
    if (!result.status.ok()) {
      return {.outcome = Admission::Outcome::kRefused, .refusal = result.status};
    }
  }
}

absl::StatusOr<base::Offset> LogRig::AppendBatch(const Buffer& batch) {
  Admission admission = Admit(batch);
  if (admission.outcome == Admission::Outcome::kRefused) return admission.refusal;
  if (admission.outcome == Admission::Outcome::kNeedsStep) {
    return absl::UnavailableError("a step is needed and cannot be taken yet");
  }
  CommitJob job;
  job.writes.push_back(std::move(admission.write));
  const CommitResult result =
      RunCommit(job, [&](const CommitResult&) { log_->OnWritten(admission.end_offset); });
  if (!result.ok()) {
    log_->OnCommitFailed(result.failure->status);
    return result.failure->status;
  }
  log_->OnDurable(admission.end_offset);
  return admission.base_offset;
}

absl::StatusOr<base::Offset> LogRig::Append(const support::SampleBatch& sample) {
  return AppendBatch(support::MakeBatch(sample));
}

int LogRig::DoWork() {
  int steps = 0;
  while (const auto step = log_->StepWanted(now_)) {
    const StepResult result = AllocateStep(file_system_, *step);
    log_->OnStep(result);
    if (!result.status.ok()) break;
    ++steps;
  }
  while (const auto seal = log_->SealWanted()) log_->OnSealed(SealSegment(file_system_, *seal));
  if (const auto release = log_->StepReleaseWanted(now_)) {
    log_->OnSealed(SealSegment(file_system_, *release));
  }
  return steps;
}

absl::StatusOr<TrimResult> LogRig::Run(const TrimPlan& plan) {
  TM_ASSIGN_OR_RETURN(const TrimRequest request, log_->BeginTrim(plan));
  TrimResult result = TrimPartition(file_system_, request);
  log_->OnTrimmed(result);
  return result;
}

absl::StatusOr<TrimResult> LogRig::Trim(base::Offset before) {
  TM_ASSIGN_OR_RETURN(const TrimPlan plan, log_->PlanTrim(before));
  return Run(plan);
}

absl::StatusOr<std::vector<std::string>> LogRig::Values(base::Offset from, Isolation isolation,
                                                        std::int64_t bytes_max) {
  std::vector<std::string> values;
  while (true) {
    TM_ASSIGN_OR_RETURN(const auto request, log_->PlanRead(from, bytes_max, isolation));
    if (!request.has_value()) return values;
    TM_ASSIGN_OR_RETURN(const ReadBatches read, ReadSegment(file_system_, *request));
    log_->OnRead(read);
    auto rest = read.batches.bytes();
    while (!rest.empty()) {
      const BatchExamination examination = ExamineBatch(rest, BatchDepth::kBody);
      if (examination.defect) return examination.defect->As(absl::StatusCode::kDataLoss);
      const auto batch = rest.first(examination.header.length_bytes);
      RecordReader reader(examination.header, batch);
      Record record;
      while (reader.Next(record)) {
        if (record.offset < from) continue;
        EXPECT_EQ(record.offset, from) << "no offset twice, none left out";
        values.push_back(support::AsText(record.value));
        from = record.offset + 1;
      }
      rest = rest.subspan(batch.size());
    }
    EXPECT_EQ(from, read.next_offset);
  }
}

absl::StatusOr<std::optional<TimedOffset>> LogRig::OffsetForTime(base::WallMillis timestamp) {
  const auto search = log_->PlanOffsetForTime(timestamp, Isolation::kDurable);
  if (!search.has_value()) return std::nullopt;
  return SearchTime(file_system_, *search);
}

}  // namespace tidemark::storage
