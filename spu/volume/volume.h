// One volume of this SPU: its partitions, its commits, its verdict.
//
// An append passes the gate here (no hold) and then its partition (a durable step). Steps are asked
// for here: within the write budget, allocated and synced on the pool, never by the append itself.
//
// Lifetime:  owned by the Agent. Start() opens every partition, then the space policy begins; the
//            gate is closed until it says otherwise.
// Threading: confined to the loop.
// Errors:    typed Refusals; faults of the disk go to the policy.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/loop/timer.h"
#include "daemon/loop/worker_thread.h"
#include "monitor/errno_verdict.h"
#include "monitor/reclaim_plan.h"
#include "spu/commit/commit_queue.h"
#include "spu/commit/commit_thread.h"
#include "spu/partition.h"
#include "spu/volume/space_driver.h"
#include "spu/volume/volume_refusal.h"
#include "storage/log/partition_directory.h"
#include "storage/log/partition_recovery.h"
#include "tidemark/sc/v1/control.pb.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::spu {

struct VolumeOptions {
  monitor::MarksOverrides marks;
  base::Duration reading_deadline = std::chrono::seconds(1);
  // For the first look at the disk: who does not answer by then cannot start.
  base::Duration start_deadline = std::chrono::seconds(10);
  base::Duration settle = std::chrono::seconds(2);
  base::Duration retention_interval = std::chrono::seconds(10);
  // After a reclaim that came to nothing.
  base::Duration reclaim_pause = std::chrono::seconds(5);
  std::int64_t commit_queue_bytes_max = 64 * base::kMiB;
  std::int64_t batch_bytes_max = base::kMiB;
};

// ENOSPC and EDQUOT met since the start. At a write they are a defect: admitted writes have space.
struct NoSpaceErrors {
  std::int64_t allocations = 0;
  std::int64_t writes = 0;
};

// Of libuv's pool, by one volume at once. The process gives the pool as much for each.
inline constexpr std::size_t kPoolThreadsPerVolume = 16;

// What the agent wants to hear.
class VolumeListener {
 public:
  virtual ~VolumeListener() = default;
  virtual void OnCommitted(base::Duration /*took*/) {}
  // The verdict is durable and new, data was found lost, or the numbers beside it changed.
  virtual void OnVolumeChanged(const base::Uuid& volume) = 0;
};

struct PartitionSpec {
  storage::PartitionState state;
  std::uint64_t spec_version = 0;
  tidemark::sc::v1::TopicPolicy policy;
  // This SPU had it before: where it is not on the disk, its data is lost.
  bool taken_before = false;
};

class Volume final : public PartitionVolume, public CommitListener, public SpaceOwner {
 public:
  using Assigned = absl::AnyInvocable<void(tidemark::sc::v1::AssignmentResult)>;

  Volume(daemon::EventLoop& loop, const base::Clock& clock, std::shared_ptr<VolumeDisk> disk,
         const VolumeOptions& options, VolumeListener& listener);
  ~Volume() override;

  // Whether the marks fit this disk, as far as a first reading tells: before anybody is told of the
  // volume. Blocks on the disk. kInvalidArgument with the numbers; OK where there is no reading.
  static absl::Status CheckMarks(VolumeDisk& disk, const monitor::MarksOverrides& overrides);

  // Opens the partitions and the verdict; `done` when the volume serves reads, or cannot. A disk
  // that does not answer the first look in time is a fault: the others must not wait for it.
  void Start(absl::AnyInvocable<void(absl::Status)> done);
  // Closes partitions cleanly: nothing is admitted any more; `done` when all is on disk.
  void Stop(absl::AnyInvocable<void()> done);

  const base::Uuid& uuid() const { return disk_->uuid(); }
  VolumeDisk& disk() { return *disk_; }
  const VolumeDisk& disk() const { return *disk_; }
  bool started() const { return driver_ != nullptr; }
  // Why it could not start; the others go on. Empty: it has, or is about to.
  const std::string& start_fault() const { return start_fault_; }
  // By its verdict; the fence is an axis of its own.
  bool accepting() const { return accepting_; }
  // No appends while it is not empty: why another has the place of this SPU.
  void SetFence(const std::string& why);
  const std::string& fence() const { return fence_; }
  bool admits() const { return accepting_ && fence_.empty(); }
  // The largest batch that any topic may put here, by its marks.
  std::int64_t batch_bytes_max() const { return LogOptionsFor({}).limits.batch_bytes_max; }
  // nullptr until started().
  SpaceDriver* driver() { return driver_.get(); }
  const SpaceDriver* driver() const { return driver_.get(); }
  // As it is on the disk; nullptr until started().
  const monitor::VerdictRecord* durable() const {
    return started() ? &driver_->policy().durable() : nullptr;
  }
  const std::optional<monitor::DeviceHold>& device_fault() const { return device_fault_; }
  const CommitQueue& commits() const { return commits_; }
  const NoSpaceErrors& no_space_errors() const { return no_space_errors_; }
  const std::map<base::PartitionId, std::unique_ptr<Partition>>& partitions() const {
    return partitions_;
  }
  const monitor::Marks& marks() const { return marks_; }
  std::int64_t steps_held() const;
  std::int64_t steps_bytes() const;
  std::size_t opening() const { return opening_; }
  // On disk, but could not be opened; why.
  const std::map<base::PartitionId, absl::Status>& unopened() const { return unopened_; }
  // Nothing is wrong with its disk: descriptors or memory were short. Tried again when assigned,
  // and by a proof, which must hold its step.
  static bool MayOpenLater(const absl::Status& why);

  Partition* Find(base::PartitionId partition) const;
  void Append(AppendCommand command);
  std::optional<Refusal> WhyClosed() const { return RefusalOf(State()); }
  VolumeState State() const;

  // Makes the partition if it is not there. Nacked when its first step would not fit.
  void Assign(const PartitionSpec& spec, Assigned done);
  // It has a partition here, or may have: also one that could not be opened, is being made, or
  // could not be deleted.
  bool Keeps(base::PartitionId partition) const;
  // Deletes for ever; gone is success. What fails is repeated now and then, and told by
  // OnVolumeChanged() when it is gone.
  void Delete(base::PartitionId partition, absl::AnyInvocable<void(absl::Status)> done);

  using Reclaimed = absl::AnyInvocable<void(const tidemark::space::v1::ReclaimResponse&)>;

  // What policy allows to go now, in the order it would.
  monitor::ReclaimPlan PlanReclaim(std::int64_t wanted_bytes) const;
  void Reclaim(Reclaimed done);
  // What drop_oldest could free and the last automatic plan left, since the growth is not ours.
  std::int64_t withheld_bytes() const { return withheld_bytes_; }
  // What is missing to a step above the mark; 0 if nothing is.
  std::int64_t BytesTo(std::int64_t mark_bytes) const;

  // SpaceEvents of other origin (operator, SC).
  void Apply(const monitor::SpaceEvent& event);

  // PartitionVolume
  storage::Moment Now() const override { return {clock_.Now(), clock_.WallNow()}; }
  std::shared_ptr<storage::FileSystem> file_system() override {
    return {disk_, &disk_->file_system()};
  }
  daemon::WorkShare& work() override { return work_; }
  void OnParked(std::int64_t bytes) override { parked_bytes_ += bytes; }
  void Commit(storage::CommitWrite write) override { commits_.Enqueue(std::move(write)); }
  void SeekStep(base::PartitionId partition) override;
  void OnFreed(std::int64_t bytes) override;
  void OnDeviceFault(const absl::Status& status, const std::string& what) override;

  // CommitListener
  void OnCommitted(base::Duration took) override { listener_.OnCommitted(took); }
  void OnWritten(base::PartitionId partition, base::Offset end) override;
  void OnDurable(base::PartitionId partition, base::Offset end) override;
  void OnCommitFailed(const storage::CommitFailure& failure,
                      const std::vector<base::PartitionId>& partitions) override;

  // SpaceOwner
  void OnGate(bool open) override;
  void OnVerdict(const std::optional<monitor::DeviceHold>& fault) override;
  void OnReading() override;
  void TakeSteps(std::int64_t steps, absl::AnyInvocable<void(StepsTaken)> done) override;
  void VerifySteps(absl::AnyInvocable<void(std::string)> done) override;
  void StartReclaim(std::int64_t wanted_bytes) override;

 private:
  // Start (volume_start.cc)
  struct FirstLook {
    absl::StatusOr<storage::PartitionListing> listing;
    monitor::ProbeOutcome probe;
  };
  void OnFirstLook(const FirstLook& look);
  void OnNoFirstLook();
  absl::Status SetMarks(const monitor::SpaceReading* reading, std::size_t partitions);
  storage::LogOptions LogOptionsFor(const tidemark::sc::v1::TopicPolicy& policy) const;
  void OpenPartitions(const std::vector<base::PartitionId>& ids);
  void OpenPartition(base::PartitionId id,
                     absl::AnyInvocable<void(base::PartitionId, const absl::Status&)> opened);
  void NoteUnopened(base::PartitionId id, const absl::Status& status);
  void BeginVerdict();
  void FinishStart(const absl::Status& status);

  // Steps (volume_steps.cc)
  void RefuseStep(Partition& partition);
  void AllocateStep(base::PartitionId id, storage::StepRequest request, monitor::GrantId grant);
  void OnStepAllocated(base::PartitionId id, const storage::StepResult& result,
                       monitor::GrantId grant);
  void JudgeStep(const storage::StepResult& result);
  bool WentWithPartition(base::PartitionId id, const storage::StepResult& result) const;
  std::vector<base::PartitionId> StepsMissing() const;
  void CountMissingSteps();
  void TakeNextStep(std::vector<base::PartitionId> left, StepsTaken taken,
                    absl::AnyInvocable<void(StepsTaken)> done);
  void TakeStepOfUnopened(base::PartitionId id, std::vector<base::PartitionId> left,
                          StepsTaken taken, absl::AnyInvocable<void(StepsTaken)> done);

  // Reclaim, creation, deletion (volume_reclaim.cc)
  std::vector<monitor::ReclaimCandidate> ReclaimCandidates() const;
  std::optional<storage::TrimPlan> TrimFor(const Partition& partition,
                                           const monitor::ReclaimCandidate& candidate) const;
  void ExpireSegments(Partition& partition);
  std::int64_t OurBytes() const;
  void NoteWithheld(const monitor::ReclaimPlan& plan);
  void RunReclaimStep();
  void ObserveReclaim(const monitor::SpaceReading& reading);
  void EndReclaim();
  void CreateOnDisk(const PartitionSpec& spec, monitor::GrantId grant, Assigned done);
  void AssignUnopened(const PartitionSpec& spec, Assigned done);
  void OpenAgain(base::PartitionId id, absl::AnyInvocable<void()> done);
  void OnOpenedLate(base::PartitionId id, const absl::Status& opened);
  void DeleteAgain();

  const Refusal& WhyClosedCached();
  void TellGate();
  // By what is durable, also before the verdict has begun.
  bool InEpisode() const;
  void Housekeep();
  void SealRolled(Partition& partition);
  void ReleaseIdleStep(Partition& partition);
  void CloseWhenIdle(absl::AnyInvocable<void()>& done);
  // A failed system call of ours, judged by operation and errno, told to the policy.
  void Judge(monitor::DiskOperation operation, const absl::Status& status, const std::string& what);

  daemon::EventLoop& loop_;
  const base::Clock& clock_;
  std::shared_ptr<VolumeDisk> disk_;
  VolumeOptions options_;
  VolumeListener& listener_;
  monitor::Marks marks_;

  daemon::WorkShare work_;
  std::int64_t parked_bytes_ = 0;  // of all partitions
  CommitThread commit_thread_;
  CommitQueue commits_;
  std::map<base::PartitionId, std::unique_ptr<Partition>> partitions_;
  std::unique_ptr<SpaceDriver> driver_;
  daemon::Timer housekeeping_;
  base::MonotonicTime last_expiry_;

  std::vector<monitor::SpaceEvent> early_events_;
  bool accepting_ = false;
  std::optional<monitor::DeviceHold> device_fault_;
  std::string fence_;
  std::optional<Refusal> why_closed_;
  std::int64_t freed_bytes_ = 0;  // since the start
  NoSpaceErrors no_space_errors_;

  std::size_t opening_ = 0;
  std::map<base::PartitionId, absl::Status> unopened_;
  std::set<base::PartitionId> creating_;   // or opened late: nobody else is let near them
  std::set<base::PartitionId> deleting_;   // under way
  std::set<base::PartitionId> undeleted_;  // ordered, and still there
  bool recovery_verified_ = true;          // every partition was looked at
  std::string recovery_fault_;
  std::string start_fault_;
  absl::AnyInvocable<void(absl::Status)> on_started_;
  std::unique_ptr<daemon::WorkerThread> first_look_;
  daemon::Timer start_deadline_;

  // Partitions that have, or had, a step in this boot: what a proof takes again.
  std::set<base::PartitionId> step_users_;
  std::int64_t steps_missing_ = 0;
  // Partitions whose appends wait for a fresh reading.
  std::set<base::PartitionId> awaiting_reading_;

  std::optional<monitor::ReclaimRun> reclaim_;
  std::int64_t reclaim_freed_bytes_ = 0;                  // by the last step
  std::optional<base::MonotonicTime> reclaim_step_done_;  // its reading is awaited
  // What we may not go below by drop_oldest: what we held at the start (in an episode, less what
  // ends it), less what reclaims freed by other policies. What is written while one is at work is
  // growth like any other.
  std::int64_t reclaim_floor_bytes_ = 0;
  std::int64_t reclaim_our_bytes_ = 0;  // when the last step began
  std::int64_t withheld_bytes_ = 0;
  std::vector<Reclaimed> on_reclaimed_;

  bool stopping_ = false;
  bool closed_ = false;
  std::size_t closing_ = 0;
  std::unique_ptr<daemon::Timer> stop_poll_;

  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tidemark::spu
