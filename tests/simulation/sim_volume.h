// One volume of the simulated SPU: a disk that outlives the process, and the process's part, which
// is the real policy, slots, reserve and probe over that disk, driven as spu/volume drives them.
//
// A partition lies on it, as a row of step files: a producer fills the newest, retention and trim
// unlink the oldest.
//
// Lifetime:  the Scheduler, the Checker and the Owner outlive it.
// Threading: one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "monitor/reserve_file.h"
#include "monitor/room_answer.h"
#include "monitor/space_policy.h"
#include "monitor/statvfs_probe.h"
#include "monitor/verdict_slots.h"
#include "spu/core/report_of.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/mutation.h"
#include "tests/simulation/scheduler.h"
#include "tests/simulation/sim_file_system.h"

namespace tidemark::simulation {

class SimVolume {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // What may be told of it has changed.
    virtual void OnVolume(SimVolume& volume) = 0;
    // The process died in the middle of a call to the disk.
    virtual void OnProcessDied() = 0;
  };

  SimVolume(std::size_t index, std::uint64_t seed, Mutation mutation, Scheduler& scheduler,
            Checker& checker, Listener& listener);

  std::size_t index() const { return index_; }
  const base::Uuid& uuid() const { return uuid_; }
  SimFileSystem& disk() { return disk_; }
  const std::string& slots_path() const { return slots_path_; }
  const std::string& reserve_path() const { return reserve_path_; }

  // The process's part. Boot fails only where a person is needed; the world heals and tries again.
  absl::Status Boot();
  void Stop();
  bool running() const { return policy_.has_value(); }
  void Apply(const monitor::SpaceEvent& event);
  const monitor::SpacePolicy& policy() const { return *policy_; }
  bool accepting() const { return gate_; }
  // Accept, then tell: nullopt while there is nothing to tell.
  std::optional<spu::VolumeTruth> Truth() const;

  // A producer appends; what does not fit the step seeks another one.
  void Produce(std::int64_t bytes);
  // Unlinks all but the newest `keep` steps.
  void Trim(std::size_t keep);

  // As the configuration has them: in force from the next boot on …
  const monitor::Marks& configured_marks() const { return configured_marks_; }
  void Configure(const monitor::Marks& marks) { configured_marks_ = marks; }
  // … or at once, and from then on.
  void ChangeMarks(const monitor::Marks& marks);

  // Somebody takes the blocks of the reserve away.
  void LoseReserve();
  // A neighbour takes this much at the moment the working room is taken.
  void StealAtTaking(std::int64_t bytes) { steal_at_taking_ = bytes; }
  // The next reserve that is taken goes again while the steps are still being taken.
  void EatReserveAtTaking() { eat_at_taking_ = true; }
  void HangReadingsUntil(base::MonotonicTime time) { hang_until_ = time; }

 private:
  struct Step {
    std::string path;
    std::int64_t filled = 0;
  };

  void Format();
  void CarryOut(const monitor::SpaceActions& actions);
  void CarryOutQueued();
  void Reschedule();
  void Do(const monitor::action::CloseGate&);
  void Do(const monitor::action::OpenGate&);
  void Do(const monitor::action::Persist& persist);
  void Do(const monitor::action::Report&);
  void Do(const monitor::action::TakeReading&);
  void Do(const monitor::action::TakeRoom& room);
  void Do(const monitor::action::VerifyRoom& verify);
  void Do(const monitor::action::StartReclaim& reclaim);

  // On the pool: after a while, unless the process is gone by then.
  void OnPool(base::Duration longest, Scheduler::Task task);
  // True if the process died in the call just made.
  bool Died();
  void LookAtReserve(std::int64_t expected_bytes, base::MonotonicTime asked);
  Checker::Room RoomNow(const monitor::VerdictRecord& record) const;
  void EraseSpace();
  absl::Status HideNewestSlot();
  void SeekStep();
  // The files of the partition, as a start finds them.
  absl::Status FindSteps();
  struct NewStep {
    Step step;
    monitor::StepsOutcome outcome;
  };
  NewStep AllocateStep();
  void Judge(monitor::DiskOperation operation, const absl::Status& status);
  void NoteMissingSteps();
  std::string StepDefect() const;
  monitor::RoomAnswer TakeRoomNow(const monitor::action::TakeRoom& room);
  void AnswerRoom(const monitor::RoomAnswer& answer);

  const std::size_t index_;
  const Mutation mutation_;
  Scheduler& scheduler_;
  Checker& checker_;
  Listener& listener_;
  Random random_;
  SimFileSystem disk_;
  monitor::VolumeLayout layout_;
  const std::string slots_path_;
  const std::string reserve_path_;
  base::Uuid uuid_;
  monitor::Marks configured_marks_;

  // The process's.
  std::optional<monitor::VerdictSlots> slots_;
  std::optional<monitor::ReserveFile> reserve_;
  std::optional<monitor::StatvfsProbe> probe_;
  std::optional<monitor::SpacePolicy> policy_;
  std::deque<monitor::SpaceEvent> queued_;
  bool carrying_out_ = false;
  bool reading_in_flight_ = false;
  bool gate_ = false;
  std::optional<monitor::VerdictRecord> told_early_;  // of kSendBeforePersist
  std::optional<monitor::SpaceReading> reading_;
  std::optional<base::MonotonicTime> wake_at_;
  std::deque<Step> steps_;
  std::uint64_t newest_step_ = 0;
  bool seeking_step_ = false;
  bool had_step_ = false;
  std::int64_t steps_missing_ = 0;
  std::int64_t steal_at_taking_ = 0;
  bool eat_at_taking_ = false;
  base::MonotonicTime hang_until_;
  base::MonotonicTime room_counted_;  // since when the reserve is believed to be there
  bool robbed_ = false;               // of its reserve, since the SPU last looked
  bool erased_ = false;               // of kDeviceErasesSpace
};

}  // namespace tidemark::simulation
