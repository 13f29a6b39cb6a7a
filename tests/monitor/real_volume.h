// One volume on a real disk with everything that decides about it: probe, policy, slots, reserve
// and steps, driven by a fake clock until nothing is left to do.
//
// Lifetime:  the FileSystem and the FakeClock outlive it.
// Threading: confined.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "monitor/reserve_file.h"
#include "monitor/room_answer.h"
#include "monitor/room_trial.h"
#include "monitor/space_policy.h"
#include "monitor/statvfs_probe.h"
#include "monitor/verdict_slots.h"
#include "tests/support/fake_clock.h"

namespace tidemark::monitor {

// Stands for the partitions: each step is a really allocated file.
class StepFiles {
 public:
  StepFiles(storage::FileSystem& file_system, std::string directory)
      : file_system_(file_system), directory_(std::move(directory)) {}

  StepsOutcome Take(std::int64_t steps, std::int64_t step_bytes);
  const std::vector<std::string>& held() const { return held_; }
  // The appends that were admitted: written into what is held, also when the disk is full.
  absl::Status WriteIntoAll();
  absl::Status DropAll();

 private:
  absl::Status TakeOne(const std::string& path, std::int64_t step_bytes);

  storage::FileSystem& file_system_;
  std::string directory_;
  std::vector<std::string> held_;
  std::int64_t step_bytes_ = 0;
  int next_ = 0;
};

class RealVolume {
 public:
  // What a start of the SPU does.
  static absl::StatusOr<std::unique_ptr<RealVolume>> Boot(storage::FileSystem& file_system,
                                                          const VolumeLayout& layout,
                                                          support::FakeClock& clock);

  void Tell(const SpaceEvent& event);
  // Lets time pass, in steps of the policy's own wakes.
  void RunFor(base::Duration duration);
  bool RunUntilOpen(base::Duration at_most);
  bool RunUntilHeld(base::Duration at_most);

  SpacePolicy& policy() { return *policy_; }
  StepFiles& steps() { return steps_; }
  ReserveFile& reserve() { return reserve_; }
  const Marks& marks() const { return policy_->marks(); }
  bool gate_open() const { return gate_open_; }
  int times_opened() const { return times_opened_; }
  // Told just after the gate opened.
  void set_on_open(std::function<void()> on_open) { on_open_ = std::move(on_open); }
  Instant now() const { return {clock_.Now(), clock_.WallNow()}; }

 private:
  RealVolume(storage::FileSystem& file_system, const VolumeLayout& layout,
             support::FakeClock& clock, StatvfsProbe probe, VerdictSlots slots);

  void Drain();
  void Do(const SpaceActions& actions);
  void Do(const action::CloseGate&) { gate_open_ = false; }
  void Do(const action::Persist& persist);
  void Do(const action::OpenGate&);
  void Do(const action::Report&) {}
  void Do(const action::TakeReading&);
  void Do(const action::TakeRoom& room);
  void Do(const action::VerifyRoom& room);
  void Do(const action::StartReclaim&) {
    events_.push_back(event::ReclaimEnded{.needs_operator = true});
  }

  support::FakeClock& clock_;
  StatvfsProbe probe_;
  VerdictSlots slots_;
  ReserveFile reserve_;
  RoomTrial trial_;
  StepFiles steps_;
  std::optional<SpacePolicy> policy_;
  std::deque<SpaceEvent> events_;
  bool gate_open_ = false;
  int times_opened_ = 0;
  std::function<void()> on_open_;
};

}  // namespace tidemark::monitor
