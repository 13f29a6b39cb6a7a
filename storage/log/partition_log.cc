#include "storage/log/partition_log.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/errno_status.h"

namespace tidemark::storage {

PartitionLog::PartitionLog(RecoveredPartition recovered, const LogOptions& options)
    : directory_(std::move(recovered.directory)),
      options_(options),
      state_(std::move(recovered.state)),
      damages_(std::move(recovered.damages)),
      closed_(std::move(recovered.segments)),
      next_offset_(recovered.log_end),
      written_end_(recovered.log_end),
      durable_end_(recovered.log_end) {
  if (recovered.has_active) {
    active_ = std::move(closed_.back());
    closed_.pop_back();
    active_index_ = std::move(recovered.active_index);
    written_position_ = durable_position_ = active_->data_end;
  }
  for (const LogSegment& segment : closed_) {
    if (segment.unwritten_index != nullptr) seals_waiting_.push_back(segment.base_offset);
  }
}

PartitionLog::~PartitionLog() = default;

LogBounds PartitionLog::Bounds(Isolation isolation) const {
  return {LogStart(), isolation == Isolation::kDurable ? durable_end_ : written_end_};
}

std::int64_t PartitionLog::allocated_bytes() const {
  std::int64_t bytes = active_ ? active_->allocated_bytes : 0;
  for (const LogSegment& segment : closed_) bytes += segment.allocated_bytes;
  return bytes;
}

std::int64_t PartitionLog::held_step_bytes() const {
  return active_ ? active_->allocated_end - active_->data_end : 0;
}

std::vector<SegmentSummary> PartitionLog::Segments() const {
  std::vector<SegmentSummary> summaries;
  const auto add = [&](const LogSegment& segment, bool active, bool busy) {
    summaries.push_back({.base_offset = segment.base_offset,
                         .end_offset = segment.end_offset,
                         .allocated_bytes = segment.allocated_bytes,
                         .max_timestamp = segment.max_timestamp,
                         .active = active,
                         .busy = busy});
  };
  for (const LogSegment& segment : closed_) add(segment, false, sealing_ == segment.base_offset);
  if (active_) add(*active_, true, !active_quiet());
  return summaries;
}

bool PartitionLog::idle() const {
  return pending_.empty() && !step_under_way_ && !trim_under_way_ && !sealing_.has_value();
}

bool PartitionLog::active_quiet() const {
  return pending_.empty() && !step_under_way_ && active_ && sealing_ != active_->base_offset;
}

// ---- Appending

absl::Status PartitionLog::CheckAppendable(const BatchHeader& header) const {
  if (failed()) return failure_;
  if (closed_down_) return absl::FailedPreconditionError("append refused: the log is closed");
  if (state_.tombstone) return absl::FailedPreconditionError("append refused: being deleted");
  if (state_.lost_data.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrFormat("append refused: held for lost data: %s", state_.lost_data->reason));
  }
  const std::int64_t limit = std::min(options_.limits.batch_bytes_max, options_.segment_bytes);
  if (header.length_bytes > limit) {
    return absl::InvalidArgumentError(
        absl::StrFormat("append refused: batch of %d bytes, limit %d", header.length_bytes, limit));
  }
  return absl::OkStatus();
}

bool PartitionLog::RollDue(std::int64_t batch_bytes, Moment now) {
  if (!active_ || !active_->has_data()) return false;
  if (active_->data_end.value() + batch_bytes > options_.segment_bytes) return true;
  if (!active_since_.has_value()) active_since_ = now.wall;
  return std::chrono::milliseconds(now.wall - *active_since_) > options_.roll_after;
}

Admission PartitionLog::NeedStep(std::int64_t batch_bytes) {
  step_demanded_ = true;
  demanded_bytes_ = batch_bytes;
  return {.outcome = Admission::Outcome::kNeedsStep};
}

Admission PartitionLog::Append(const Buffer& batch, const BatchHeader& header, Moment now) {
  TM_CHECK(batch.size() == header.length_bytes && header.record_count > 0);
  if (absl::Status status = CheckAppendable(header); !status.ok()) {
    return {.outcome = Admission::Outcome::kRefused, .refusal = std::move(status)};
  }
  last_use_ = now.monotonic;
  if (step_demanded_) return {.outcome = Admission::Outcome::kNeedsStep};
  const auto batch_bytes = static_cast<std::int64_t>(batch.size());
  if (RollDue(batch_bytes, now)) {
    roll_demanded_ = true;
    return NeedStep(batch_bytes);
  }
  if (!active_ || active_->data_end + batch_bytes > active_->allocated_end) {
    return NeedStep(batch_bytes);
  }
  return Admit(batch, header, now);
}

Admission PartitionLog::Admit(const Buffer& batch, const BatchHeader& header, Moment now) {
  if (!active_since_.has_value()) active_since_ = now.wall;
  const base::FilePosition position = active_->data_end;
  Admission admission{.outcome = Admission::Outcome::kAdmitted,
                      .base_offset = next_offset_,
                      .end_offset = next_offset_ + header.record_count};
  admission.write = {
      .partition = id(),
      .file = active_->file,
      .position = position,
      .header = Buffer::Copy(StampedHeader(batch.bytes(), next_offset_, state_.leader_epoch)),
      .body = batch.Slice(kBatchHeaderBytes, batch.size() - kBatchHeaderBytes),
      .end_offset = admission.end_offset};
  active_index_.Add(next_offset_, position, header.max_timestamp);
  next_offset_ = admission.end_offset;
  active_->end_offset = next_offset_;
  active_->data_end = position + static_cast<std::int64_t>(batch.size());
  active_->max_timestamp = std::max(active_->max_timestamp, header.max_timestamp);
  pending_.push_back({next_offset_, active_->data_end});
  return admission;
}

void PartitionLog::OnWritten(base::Offset end) {
  for (const PendingBatch& batch : pending_) {
    if (batch.end_offset > end) break;
    if (batch.end_offset <= written_end_) continue;
    written_end_ = batch.end_offset;
    written_position_ = batch.end_position;
  }
}

void PartitionLog::OnDurable(base::Offset end) {
  OnWritten(end);
  while (!pending_.empty() && pending_.front().end_offset <= end) {
    durable_end_ = pending_.front().end_offset;
    durable_position_ = pending_.front().end_position;
    pending_.pop_front();
  }
}

void PartitionLog::OnCommitFailed(const absl::Status& why) {
  if (failed()) return;
  failure_ = absl::FailedPreconditionError(
      absl::StrFormat("append refused: a commit of partition %d failed (%s); what lies behind "
                      "offset %d on disk is unknown until the log is opened again",
                      id().value(), std::string(why.message()), durable_end_.value()));
  next_offset_ = written_end_ = durable_end_;
  written_position_ = durable_position_;
  pending_.clear();
  step_demanded_ = roll_demanded_ = false;
  if (!active_) return;
  active_->end_offset = durable_end_;
  active_->data_end = durable_position_;
  active_index_.CutAt(durable_position_);
}

// ---- Space

StepRequest PartitionLog::NewSegmentStep() const {
  const std::int64_t wanted = std::min(options_.step_bytes, options_.segment_bytes);
  return {.directory = directory_,
          .segment_base = next_offset_,
          .position = base::FilePosition(0),
          .length_bytes = RoundUpToBlock(std::max(wanted, demanded_bytes_)),
          .new_segment = true};
}

StepRequest PartitionLog::GrowthStep() const {
  const base::FilePosition position = active_->allocated_end;
  const std::int64_t room = options_.segment_bytes - position.value();
  const std::int64_t needed = active_->data_end + demanded_bytes_ - position;
  const std::int64_t wanted = std::max(std::min(options_.step_bytes, room), needed);
  const std::int64_t end = RoundUpToBlock(position.value() + wanted);
  return {.directory = directory_,
          .segment_base = active_->base_offset,
          .position = position,
          .length_bytes = end - position.value()};
}

std::optional<StepRequest> PartitionLog::StepWanted(Moment now) {
  if (failed() || closed_down_ || state_.lost_data.has_value()) return std::nullopt;
  if (step_under_way_) return std::nullopt;
  if (active_ && sealing_ == active_->base_offset) return std::nullopt;  // being shortened
  if (!step_demanded_) {
    const bool ahead = active_ && !trim_under_way_ && !IdleFor(now) &&
                       held_step_bytes() < options_.step_bytes / 2 &&
                       active_->allocated_end.value() < options_.segment_bytes;
    if (!ahead) return std::nullopt;
    demanded_bytes_ = 0;
    step_under_way_ = true;
    return GrowthStep();
  }
  if (active_ && active_->has_data()) {
    // Working room is a whole step. A segment that has less left leaves it to the next one.
    const std::int64_t left = options_.segment_bytes - active_->data_end.value();
    const bool may_grow = active_->allocated_end.value() < options_.segment_bytes;
    roll_demanded_ |= demanded_bytes_ == 0 ? left < options_.step_bytes
                                           : !may_grow && held_step_bytes() < demanded_bytes_;
  }
  if (roll_demanded_) {
    if (!pending_.empty()) return std::nullopt;  // a new segment says: all before is durable
    Roll();
  }
  if (!active_) {
    // A segment being unlinked may have the name of the new one.
    if (trim_under_way_) return std::nullopt;
    step_under_way_ = true;
    return NewSegmentStep();
  }
  step_under_way_ = true;
  return GrowthStep();
}

void PartitionLog::DemandStep(Moment now) {
  last_use_ = now.monotonic;
  if (held_step_bytes() >= options_.step_bytes || step_demanded_) return;
  step_demanded_ = true;
  demanded_bytes_ = 0;
}

void PartitionLog::OnStep(const StepResult& result) {
  TM_CHECK(step_under_way_);
  OnStepRefused();
  if (!result.status.ok()) return;
  const base::FilePosition end = result.request.position + result.request.length_bytes;
  if (!result.request.new_segment) {
    TM_CHECK(active_ && active_->base_offset == result.request.segment_base);
    active_->allocated_end = end;
    active_->allocated_bytes = result.allocated_bytes;
    return;
  }
  TM_CHECK(!active_ && next_offset_ == result.request.segment_base);
  active_ = LogSegment{.base_offset = next_offset_,
                       .end_offset = next_offset_,
                       .allocated_end = end,
                       .allocated_bytes = result.allocated_bytes,
                       .file = result.file};
  active_index_ = SparseIndex(IndexIntervalFor(options_.segment_bytes));
  active_since_.reset();
  written_position_ = durable_position_ = base::FilePosition(0);
}

void PartitionLog::OnStepRefused() { step_under_way_ = step_demanded_ = roll_demanded_ = false; }

bool PartitionLog::IdleFor(Moment now) const {
  return !last_use_.has_value() || now.monotonic - *last_use_ > options_.idle_after;
}

std::optional<SealRequest> PartitionLog::StepReleaseWanted(Moment now) {
  if (!last_use_.has_value()) last_use_ = now.monotonic;  // idle since it was opened
  if (failed() || sealing_.has_value() || trim_under_way_ || step_demanded_) return std::nullopt;
  if (!active_quiet() || !active_->has_data() || !IdleFor(now)) return std::nullopt;
  if (active_->allocated_end.value() <= RoundUpToBlock(active_->data_end.value())) {
    return std::nullopt;
  }
  active_->allocated_end = active_->data_end;  // nothing is admitted into what goes
  sealing_ = active_->base_offset;
  return SealRequest{directory_, active_->base_offset, active_->data_end, nullptr};
}

void PartitionLog::CloseActive() {
  TM_CHECK(active_ && pending_.empty());
  active_->allocated_end = active_->data_end;
  if (active_->has_data()) {
    active_->unwritten_index = std::make_shared<const ClosedSegmentIndex>(ClosedSegmentIndex{
        active_->base_offset, active_->end_offset, active_->data_end, active_index_});
  }
  closed_.push_back(std::move(*active_));
  active_.reset();
}

void PartitionLog::Roll() {
  roll_demanded_ = false;
  if (!active_) return;
  CloseActive();
  closed_.back().file.reset();
  seals_waiting_.push_back(closed_.back().base_offset);
}

void PartitionLog::RollIfDue(Moment now) {
  if (failed() || closed_down_ || sealing_.has_value() || trim_under_way_) return;
  if (active_quiet() && RollDue(0, now)) Roll();
}

std::optional<SealRequest> PartitionLog::SealWanted() {
  if (sealing_.has_value() || trim_under_way_) return std::nullopt;
  while (!seals_waiting_.empty()) {
    const base::Offset base = seals_waiting_.front();
    seals_waiting_.erase(seals_waiting_.begin());
    const LogSegment* segment = FindClosed(base);
    if (segment == nullptr) continue;
    sealing_ = base;
    return SealRequest{directory_, base, segment->data_end, segment->unwritten_index};
  }
  return std::nullopt;
}

void PartitionLog::OnSealed(const SealResult& result) {
  sealing_.reset();
  if (!result.status.ok()) return;
  const bool is_active_segment = active_ && active_->base_offset == result.request.segment_base;
  LogSegment* segment = is_active_segment ? &*active_ : FindClosed(result.request.segment_base);
  if (segment == nullptr) return;
  segment->allocated_bytes = result.allocated_bytes;
  // Kept in memory as long as no file has it.
  if (result.request.index != nullptr && result.index_status.ok()) {
    segment->unwritten_index.reset();
  }
}

// ---- Closing

absl::StatusOr<PartitionState> PartitionLog::Close() {
  if (failed()) return failure_;
  if (!idle()) {
    return absl::UnavailableError(absl::StrFormat(
        "close partition %d: %d batches and other work under way", id().value(), pending_.size()));
  }
  closed_down_ = true;
  state_.clean_end = next_offset_;
  return state_;
}

}  // namespace tidemark::storage
