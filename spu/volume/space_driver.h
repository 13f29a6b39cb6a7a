// Drives the space policy of one volume: turns its actions into system calls off the loop, and
// their results into events.
//
// The policy decides, this only carries: readings on a thread of the volume's own (a hung statvfs
// must not eat anything else), slots and reserve on the pool. What only the partitions can do
// (steps, reclaim) is asked of the Owner.
//
// Lifetime:  the Owner outlives it. Work under way holds the disk, and this weakly.
// Threading: confined to the loop.
// Errors:    none of its own: what fails becomes an event.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "daemon/loop/event_loop.h"
#include "daemon/loop/timer.h"
#include "daemon/loop/work_share.h"
#include "daemon/loop/worker_thread.h"
#include "monitor/reserve_file.h"
#include "monitor/space_policy.h"
#include "spu/volume/volume_disk.h"

namespace tidemark::spu {

// What a round of taking steps has brought.
struct StepsTaken {
  std::int64_t steps = 0;
  std::int64_t bytes = 0;
  absl::Status status;  // of the first that failed
};

class SpaceOwner {
 public:
  virtual ~SpaceOwner() = default;
  // Admit appends, or refuse them, from now on.
  virtual void OnGate(bool open) = 0;
  // A new verdict is on the disk, or there is a fault: tell the SC.
  virtual void OnVerdict(const std::optional<monitor::DeviceHold>& fault) = 0;
  // Numbers changed.
  virtual void OnReading() = 0;
  // One step each for partitions that had one and have none, at most `steps`.
  virtual void TakeSteps(std::int64_t steps, absl::AnyInvocable<void(StepsTaken)> done) = 0;
  // Are the steps of all partitions really allocated? Empty: yes; else what is wrong.
  virtual void VerifySteps(absl::AnyInvocable<void(std::string)> done) = 0;
  // Free what policy allows; the owner applies SpaceFreed and, at the end, ReclaimEnded.
  virtual void StartReclaim(std::int64_t wanted_bytes) = 0;
};

class SpaceDriver {
 public:
  // `work`: the volume's share of the pool; outlives this.
  SpaceDriver(daemon::EventLoop& loop, daemon::WorkShare& work, const base::Clock& clock,
              std::shared_ptr<VolumeDisk> disk, monitor::SpacePolicy policy, SpaceOwner& owner);
  ~SpaceDriver();

  void Start();
  // An event that comes while the actions of another are carried out waits for its turn: actions
  // of two events never mix.
  void Apply(monitor::SpaceEvent event);
  // No action is carried out any more.
  void Stop();

  const monitor::SpacePolicy& policy() const { return policy_; }
  monitor::SpacePolicy& policy() { return policy_; }
  monitor::Instant Now() const { return {clock_.Now(), clock_.WallNow()}; }
  // How long the reading under way has taken; zero if there is none.
  base::Duration reading_busy_for() const { return space_thread_.busy_for(); }

 private:
  void LogBeginning() const;
  void LogFirstStartShortage();
  void CarryOut(const monitor::SpaceActions& actions);
  void CarryOutQueued();
  void Do(const monitor::action::CloseGate&) { owner_.OnGate(false); }
  void Do(const monitor::action::OpenGate&) { owner_.OnGate(true); }
  void Do(const monitor::action::Persist& persist);
  void Do(const monitor::action::Report& report) { owner_.OnVerdict(report.device_fault); }
  void Do(const monitor::action::TakeReading&);
  void Do(const monitor::action::TakeRoom& room);
  void Do(const monitor::action::VerifyRoom& verify);
  void Do(const monitor::action::StartReclaim& reclaim) {
    owner_.StartReclaim(reclaim.wanted_bytes);
  }

  void OnProbed(const monitor::ProbeOutcome& outcome);
  void OnReserveSeen(std::int64_t held_bytes);
  void OnReserveTaken(const monitor::action::TakeRoom& room, const monitor::ReserveResult& reserve);
  void OnStepsTaken(const monitor::action::TakeRoom& room, const monitor::ReserveResult& reserve,
                    const StepsTaken& taken);
  void AnswerRoom(const monitor::action::TakeRoom& room, const monitor::ReserveResult& reserve,
                  const StepsTaken& taken, const monitor::ReserveResult& trial);
  void AnswerVerified(const monitor::ReserveResult& reserve, const std::string& steps_defect);
  void Reschedule();

  // `then(result)` on the loop, unless this has gone meanwhile.
  template <typename Work, typename Then>
  void OnPool(Work work, Then then);

  daemon::EventLoop& loop_;
  daemon::WorkShare& work_;
  const base::Clock& clock_;
  std::shared_ptr<VolumeDisk> disk_;
  monitor::SpacePolicy policy_;
  SpaceOwner& owner_;
  daemon::WorkerThread space_thread_;
  daemon::Timer wake_;
  std::deque<monitor::SpaceEvent> queued_;
  bool carrying_out_ = false;
  bool reading_in_flight_ = false;
  bool shortage_logged_ = false;
  std::int64_t reserve_expected_bytes_ = 0;  // when the reading under way was asked for
  bool stopped_ = false;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tidemark::spu
