// One partition's log: offsets, segments, what is admitted, written and durable.
//
// Every call decides and returns at once; what has to touch the disk is returned as a request, run
// elsewhere (AllocateStep, SealSegment, TrimPartition, ReadSegment, RunCommit, CloseLog), and its
// result is handed back:
//
//   Append ── kAdmitted ─► CommitWrite ─► OnWritten, OnDurable | OnCommitFailed
//      └───── kNeedsStep: keep the batch, run StepWanted() within budget ─► OnStep | OnStepRefused,
//                         then Append it again, first in line
//   SealWanted() ─► OnSealed        after a roll: gives back space, writes the index
//   BeginTrim(plan) ─► OnTrimmed    retention, trim, reclaim
//   PlanRead ─► ReadSegment ─► OnRead
//
// An append is admitted only into an allocated, synced step. A new segment is begun only when all
// before it is durable, so a gap between segments is always damage, never an interrupted roll.
//
// Lifetime:  owns the open active segment; requests under way keep theirs alive.
// Threading: confined to the owner's loop. No call blocks or touches the disk.
// Errors:    kOutOfRange outside [log start, log end]; kDataLoss in a damaged range;
//            kFailedPrecondition after a failed commit, when closed or held for lost data;
//            kInvalidArgument for a batch that can never fit; kUnavailable: try again shortly.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/codec/batch_codec.h"
#include "storage/codec/buffer.h"
#include "storage/log/committer.h"
#include "storage/log/log_options.h"
#include "storage/log/log_segment.h"
#include "storage/log/partition_recovery.h"
#include "storage/log/partition_state.h"
#include "storage/log/partition_trim.h"
#include "storage/log/retention_plan.h"
#include "storage/segment/segment_reader.h"
#include "storage/segment/segment_seal.h"
#include "storage/segment/segment_step.h"

namespace tidemark::storage {

enum class Isolation : std::uint8_t { kDurable, kWritten };

struct Admission {
  enum class Outcome : std::uint8_t { kAdmitted, kNeedsStep, kRefused };
  Outcome outcome = Outcome::kRefused;
  absl::Status refusal;      // kRefused
  base::Offset base_offset;  // kAdmitted: of the batch's first record
  base::Offset end_offset;   // kAdmitted: durable when DurableEnd() reaches it
  CommitWrite write;         // kAdmitted
};

struct LogBounds {
  base::Offset log_start;
  base::Offset log_end;  // what a reader of that isolation may see
};

class PartitionLog {
 public:
  PartitionLog(RecoveredPartition recovered, const LogOptions& options);
  ~PartitionLog();
  PartitionLog(const PartitionLog&) = delete;
  PartitionLog& operator=(const PartitionLog&) = delete;

  // ---- State
  base::PartitionId id() const { return state_.id; }
  const PartitionState& state() const { return state_; }
  const std::string& directory() const { return directory_; }
  const std::vector<Damage>& damages() const { return damages_; }
  base::Offset LogStart() const { return state_.log_start; }
  base::Offset LogEnd() const { return next_offset_; }  // admitted
  base::Offset WrittenEnd() const { return written_end_; }
  base::Offset DurableEnd() const { return durable_end_; }
  LogBounds Bounds(Isolation isolation) const;
  std::int64_t allocated_bytes() const;  // st_blocks of all segments
  std::int64_t held_step_bytes() const;  // allocated ahead in the active segment
  std::size_t segment_count() const { return closed_.size() + (active_ ? 1 : 0); }
  std::vector<SegmentSummary> Segments() const;
  bool failed() const { return !failure_.ok(); }
  // Nothing admitted, nothing under way: may be closed, deleted.
  bool idle() const;
  const LogOptions& options() const { return options_; }
  void SetOptions(const LogOptions& options) { options_ = options; }

  // ---- Appending
  // `batch` was checked by CheckArrivedBatch, which gave `header`. After kNeedsStep every Append
  // answers kNeedsStep until OnStep or OnStepRefused, so that order is kept.
  Admission Append(const Buffer& batch, const BatchHeader& header, Moment now);
  // All writes up to `end` are in the file / on the disk.
  void OnWritten(base::Offset end);
  void OnDurable(base::Offset end);
  // Back to the durable end. The log refuses appends until it is opened again: what lies behind
  // the durable end on disk is unknown.
  void OnCommitFailed(const absl::Status& why);

  // ---- Space
  // A step that an Append waits for or, ahead of need, one that a partition in use will want.
  // Counts as under way until OnStep or OnStepRefused. At most one at a time. While step_urgent(),
  // nullopt means: not yet; ask again after OnDurable, OnSealed and OnTrimmed.
  std::optional<StepRequest> StepWanted(Moment now);
  // Is an Append waiting for it?
  bool step_urgent() const { return step_demanded_; }
  // Working room for a partition without any: makes StepWanted() ask for one. Counts as a use: who
  // gets room is not idle.
  void DemandStep(Moment now);
  // A failed one (result.status) leaves everything as it was.
  void OnStep(const StepResult& result);
  void OnStepRefused();
  // The unused part of the step of a partition idle for options.idle_after; the active segment
  // stays. Run SealSegment, then OnSealed.
  std::optional<SealRequest> StepReleaseWanted(Moment now);
  // A rolled segment to be sealed, one at a time.
  std::optional<SealRequest> SealWanted();
  void OnSealed(const SealResult& result);
  // Closes the active segment if it is over age, so that its data can expire by itself.
  void RollIfDue(Moment now);

  // ---- Deleting
  // before ≤ DurableEnd(), else kOutOfRange. Never fails otherwise; may be empty.
  absl::StatusOr<TrimPlan> PlanTrim(base::Offset before) const;
  TrimPlan PlanExpiry(const RetentionLimits& limits, base::WallMillis now) const;
  // Segments already below the log start (an unlink failed, or was busy); of an idle partition also
  // the active one.
  TrimPlan PlanLeftovers(Moment now) const;
  // kUnavailable while another trim is under way; kNotFound if the plan holds nothing to do.
  absl::StatusOr<TrimRequest> BeginTrim(const TrimPlan& plan);
  void OnTrimmed(const TrimResult& result);

  // ---- Reading
  // kOutOfRange outside [log start, log end]: answer with Bounds(). nullopt: at the end, wait.
  absl::StatusOr<std::optional<ReadRequest>> PlanRead(base::Offset from, std::int64_t bytes_max,
                                                      Isolation isolation) const;
  // Keeps the opened file and index for the next read.
  void OnRead(const ReadBatches& result);
  // The offsets lost around `offset`, if it is one of them: a reader may go on at their end.
  std::optional<LostRange> LostRangeAt(base::Offset offset) const;
  // nullopt: no record is as new, the answer is the log's end. Else run SearchTime; if that finds
  // none, likewise.
  std::optional<TimeSearch> PlanOffsetForTime(base::WallMillis timestamp,
                                              Isolation isolation) const;

  // ---- Closing
  // Needs idle(). The state that marks a clean stop: run SavePartitionState(directory(), …). No
  // append is admitted afterwards.
  absl::StatusOr<PartitionState> Close();

 private:
  struct PendingBatch {
    base::Offset end_offset;
    base::FilePosition end_position;
  };

  absl::Status CheckAppendable(const BatchHeader& header) const;
  bool RollDue(std::int64_t batch_bytes, Moment now);
  bool active_quiet() const;  // nothing in flight that touches the active segment
  bool IdleFor(Moment now) const;
  void CloseActive();
  void Roll();
  Admission NeedStep(std::int64_t batch_bytes);
  Admission Admit(const Buffer& batch, const BatchHeader& header, Moment now);
  StepRequest NewSegmentStep() const;
  StepRequest GrowthStep() const;
  base::FilePosition VisibleEnd(const LogSegment& segment, Isolation isolation) const;
  SegmentSource SourceOf(const LogSegment& segment) const;
  const SparseIndex* IndexOf(const LogSegment& segment) const;
  const LogSegment* FindSegment(base::Offset offset) const;
  LogSegment* FindClosed(base::Offset base_offset);
  bool is_active(const LogSegment& segment) const { return active_ && &segment == &*active_; }
  void ForgetDropped(const TrimResult& result);

  std::string directory_;
  LogOptions options_;
  PartitionState state_;  // what is durable
  std::vector<Damage> damages_;
  absl::Status failure_;
  bool closed_down_ = false;

  std::vector<LogSegment> closed_;  // ascending, without the active one
  std::optional<LogSegment> active_;
  SparseIndex active_index_;
  std::optional<base::WallMillis> active_since_;  // wall time of its first append we saw

  base::Offset next_offset_;
  base::Offset written_end_;
  base::Offset durable_end_;
  base::FilePosition written_position_;  // in the active segment, as the two ends above
  base::FilePosition durable_position_;
  std::deque<PendingBatch> pending_;  // admitted, not durable

  bool step_demanded_ = false;
  std::int64_t demanded_bytes_ = 0;
  bool step_under_way_ = false;
  bool roll_demanded_ = false;  // as soon as all is durable
  std::optional<base::MonotonicTime> last_use_;

  std::vector<base::Offset> seals_waiting_;
  std::optional<base::Offset> sealing_;
  bool trim_under_way_ = false;
  bool trimming_active_ = false;
  // The closed segment read last, with its file and index.
  std::optional<SegmentSource> read_cache_;
};

}  // namespace tidemark::storage
