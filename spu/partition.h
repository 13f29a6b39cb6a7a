// One partition served by this SPU: its log, the appends that wait, the readers that follow.
//
// An append is admitted into space that is already allocated and synced; without a step it is
// parked, in order, until its volume has one for it or refuses. Results are given once the batch is
// as safe as the producer asked.
//
// Lifetime:  owned by its Volume. Work under way holds it weakly.
// Threading: confined to the loop.
// Errors:    in AppendResult, ReadResult, TrimResult as a typed Refusal.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "daemon/loop/work_share.h"
#include "spu/callback_list.h"
#include "spu/partition_host.h"
#include "storage/log/partition_log.h"
#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::spu {

// What a partition needs of the volume it lies on.
class PartitionVolume {
 public:
  virtual ~PartitionVolume() = default;
  virtual storage::Moment Now() const = 0;
  // Outlives the volume with whoever reads or trims by it in the pool.
  virtual std::shared_ptr<storage::FileSystem> file_system() = 0;
  // The volume's share of the pool.
  virtual daemon::WorkShare& work() = 0;
  // Appends of so many bytes more wait for a step; negative: fewer.
  virtual void OnParked(std::int64_t bytes) = 0;
  // Takes an admitted batch into the next commit.
  virtual void Commit(storage::CommitWrite write) = 0;
  // The log may want a step; ends in OnStep() or OnStepRefused(), maybe at once.
  virtual void SeekStep(base::PartitionId partition) = 0;
  // Something was unlinked.
  virtual void OnFreed(std::int64_t bytes) = 0;
  // A write or sync of the partition's own files failed: a device matter.
  virtual void OnDeviceFault(const absl::Status& status, const std::string& what) = 0;
};

class Partition {
 public:
  Partition(PartitionVolume& volume, storage::RecoveredPartition recovered,
            const storage::LogOptions& options);
  ~Partition();

  storage::PartitionLog& log() { return log_; }
  const storage::PartitionLog& log() const { return log_; }
  base::PartitionId id() const { return log_.id(); }

  // The volume's gate is open; everything else is judged here.
  void Append(AppendCommand command);
  void Read(ReadCommand command);
  void OffsetForTime(base::WallMillis time,
                     absl::AnyInvocable<void(absl::StatusOr<base::Offset>)> done);
  void Trim(base::Offset before, absl::AnyInvocable<void(TrimResult)> done);
  // Runs a plan of retention or reclaim; `done` gets st_blocks freed. False if one is under way or
  // there is nothing to do.
  bool RunPlan(const storage::TrimPlan& plan, absl::AnyInvocable<void(std::int64_t)> done);

  void OnWritten(base::Offset end);
  void OnDurable(base::Offset end);
  void OnCommitFailed(const absl::Status& why);
  // The step asked for is there, or the allocation failed.
  void OnStep(const storage::StepResult& result, const Refusal& if_failed);
  void OnStepRefused(const Refusal& why);
  // Tries what is parked again.
  void AdmitParked();
  // The log could not ask for a step while something was under way; that has ended.
  void SeekStepAgain();
  // The gate closed: nothing parked may wait for it.
  void RefuseParked(const Refusal& why);

  bool wants_step_urgently() const { return !parked_.empty(); }

  CallbackList<>& advance() { return advance_; }
  CallbackList<std::optional<Refusal>>& gate() { return gate_; }

  // Spec as last assigned. False: nobody assigned it in this session; kept, not written.
  bool assigned = true;
  std::uint64_t spec_version = 0;
  tidemark::sc::v1::TopicPolicy policy;

 private:
  struct Waiting {
    base::Offset base_offset;
    base::Offset end_offset;
    std::uint32_t records = 0;
    Acks acks = Acks::kDurable;
    absl::AnyInvocable<void(AppendResult)> done;
  };

  void Admit(AppendCommand command);
  void Answer(Waiting& waiting);
  static void RefuseAppend(AppendCommand& command, Refusal refusal);

  PartitionVolume& volume_;
  storage::PartitionLog log_;
  std::deque<AppendCommand> parked_;
  std::deque<Waiting> waiting_;
  CallbackList<> advance_;
  CallbackList<std::optional<Refusal>> gate_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tidemark::spu
