#include "spu/volume/space_driver.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "daemon/log.h"
#include "monitor/errno_verdict.h"
#include "monitor/room_answer.h"

namespace tidemark::spu {
namespace {

using monitor::SpaceActions;
namespace event = monitor::event;
namespace action = monitor::action;

// One reading runs, and one more may wait behind it: the policy never has more under way.
constexpr std::size_t kReadingsWaitingMax = 2;

struct Seen {
  monitor::ProbeOutcome outcome;
  absl::StatusOr<std::int64_t> reserve_bytes;
};

Seen ReadSpace(VolumeDisk& disk) {
  // The reserve first: a volume that is there after it was there for it, too.
  const absl::StatusOr<std::int64_t> reserve_bytes = disk.reserve().HeldBytes();
  return {disk.probe().Probe(), reserve_bytes};
}

}  // namespace

SpaceDriver::SpaceDriver(daemon::EventLoop& loop, daemon::WorkShare& work, const base::Clock& clock,
                         std::shared_ptr<VolumeDisk> disk, monitor::SpacePolicy policy,
                         SpaceOwner& owner)
    : loop_(loop),
      work_(work),
      clock_(clock),
      disk_(std::move(disk)),
      policy_(std::move(policy)),
      owner_(owner),
      space_thread_(loop, "space", kReadingsWaitingMax),
      wake_(loop, [this] { Apply(event::Tick{}); }) {}

SpaceDriver::~SpaceDriver() {
  // A statvfs that hangs for ever must not hold up the process's end.
  space_thread_.Abandon();
}

void SpaceDriver::Start() {
  loop_.AssertOnLoop();
  carrying_out_ = true;
  CarryOut(policy_.Start(Now()));
  carrying_out_ = false;
  CarryOutQueued();
}

void SpaceDriver::Stop() {
  stopped_ = true;
  queued_.clear();
  wake_.Stop();
}

void SpaceDriver::Apply(monitor::SpaceEvent event) {
  loop_.AssertOnLoop();
  if (stopped_) return;
  queued_.push_back(std::move(event));
  if (!carrying_out_) CarryOutQueued();
}

void SpaceDriver::CarryOutQueued() {
  carrying_out_ = true;
  while (!queued_.empty()) {
    const monitor::SpaceEvent event = std::move(queued_.front());
    queued_.pop_front();
    const bool reading = std::holds_alternative<event::ReadingArrived>(event);
    const bool in_episode = policy_.wanted_holds().space.has_value();
    const SpaceActions actions = policy_.Handle(event, Now());
    if (!in_episode && policy_.wanted_holds().space.has_value()) LogBeginning();
    LogFirstStartShortage();
    CarryOut(actions);
    if (reading) owner_.OnReading();
  }
  carrying_out_ = false;
  if (!stopped_) Reschedule();
}

void SpaceDriver::LogBeginning() const {
  const monitor::Explanation explanation = policy_.Explain(clock_.Now());
  daemon::Log(daemon::LogLevel::kWarn, "volume.episode_began",
              {{"volume", disk_->path()},
               {"episode", explanation.wanted.space->episode.value()},
               {"cause", monitor::SpaceCauseName(explanation.wanted.space->cause)},
               {"why", explanation.episode_began}});
}

// Once: what is short changes with every reading.
void SpaceDriver::LogFirstStartShortage() {
  const monitor::ProofFailure* shortage = policy_.first_start_shortage();
  if (shortage == nullptr || std::exchange(shortage_logged_, true)) return;
  daemon::Log(daemon::LogLevel::kWarn, "volume.first_start_short",
              {{"volume", disk_->path()},
               {"bytes_short", shortage->bytes_short},
               {"inodes_short", shortage->inodes_short},
               {"why", policy_.FirstStartWaits()}});
}

void SpaceDriver::CarryOut(const SpaceActions& actions) {
  for (const monitor::SpaceAction& action : actions) {
    if (stopped_) return;
    std::visit([this](const auto& one) { Do(one); }, action);
  }
}

void SpaceDriver::Reschedule() {
  const base::MonotonicTime now = clock_.Now();
  wake_.StartOnce(std::max(base::Duration(0), policy_.NextWake() - now));
}

template <typename Work, typename Then>
void SpaceDriver::OnPool(Work work, Then then) {
  work_.QueueWork(std::move(work), [this, guard = std::weak_ptr(alive_),
                                    then = std::move(then)](auto result) mutable {
    if (guard.expired() || stopped_) return;
    then(std::move(result));
  });
}

void SpaceDriver::Do(const action::Persist& persist) {
  OnPool([disk = disk_, record = persist.record] { return disk->slots().Write(record); },
         [this, generation = persist.record.generation](const absl::Status& written) {
           if (written.ok()) return Apply(event::Persisted{generation});
           // Out of descriptors: nothing was begun. Everything else leaves the slot unknown.
           const auto verdict = monitor::JudgeStatus(monitor::DiskOperation::kJournal, written);
           Apply(event::PersistFailed{generation, std::string(written.message()),
                                      verdict.meaning != monitor::ErrnoMeaning::kUnavailable});
         });
}

void SpaceDriver::Do(const action::TakeReading&) {
  if (reading_in_flight_) return;  // its answer counts, late or not
  reserve_expected_bytes_ = policy_.reserve_expected_bytes();
  reading_in_flight_ = space_thread_.TryRun(
      [disk = disk_] { return ReadSpace(*disk); },
      [this](const Seen& seen) {
        reading_in_flight_ = false;
        // Where the volume itself is out of sight, a reserve that is not there says nothing.
        const bool in_sight = std::holds_alternative<monitor::SpaceReading>(seen.outcome);
        if (in_sight && seen.reserve_bytes.ok()) OnReserveSeen(*seen.reserve_bytes);
        OnProbed(seen.outcome);
      });
}

void SpaceDriver::OnReserveSeen(std::int64_t held_bytes) {
  const std::int64_t expected = std::min(reserve_expected_bytes_, policy_.reserve_expected_bytes());
  const auto lost = monitor::FindReserveLost(held_bytes, expected);
  if (!lost.has_value()) return;
  daemon::Log(
      daemon::LogLevel::kError, "volume.reserve_lost",
      {{"volume", disk_->path()}, {"held_bytes", held_bytes}, {"expected_bytes", expected}});
  Apply(*lost);
}

void SpaceDriver::OnProbed(const monitor::ProbeOutcome& outcome) {
  if (const auto* fault = std::get_if<monitor::VolumeFault>(&outcome)) {
    return Apply(event::DeviceFailed{fault->cause, fault->detail});
  }
  if (const auto* reading = std::get_if<monitor::SpaceReading>(&outcome)) {
    return Apply(event::ReadingArrived{*reading});
  }
  Apply(event::ReadingArrived{std::get<monitor::ReadingFault>(outcome)});
}

void SpaceDriver::Do(const action::TakeRoom& room) {
  OnPool([disk = disk_, bytes = room.reserve_bytes] { return disk->reserve().Take(bytes); },
         [this, room](const monitor::ReserveResult& reserve) { OnReserveTaken(room, reserve); });
}

void SpaceDriver::OnReserveTaken(const action::TakeRoom& room,
                                 const monitor::ReserveResult& reserve) {
  if (!reserve.ok()) return AnswerRoom(room, reserve, {}, {});
  owner_.TakeSteps(room.steps,
                   [this, guard = std::weak_ptr(alive_), room, reserve](const StepsTaken& taken) {
                     if (!guard.expired()) OnStepsTaken(room, reserve, taken);
                   });
}

void SpaceDriver::OnStepsTaken(const action::TakeRoom& room, const monitor::ReserveResult& reserve,
                               const StepsTaken& taken) {
  if (!taken.status.ok() || room.trial_bytes == 0) return AnswerRoom(room, reserve, taken, {});
  OnPool([disk = disk_, bytes = room.trial_bytes] { return disk->trial().Run(bytes); },
         [this, room, reserve, taken](const monitor::ReserveResult& trial) {
           AnswerRoom(room, reserve, taken, trial);
         });
}

void SpaceDriver::AnswerRoom(const action::TakeRoom& room, const monitor::ReserveResult& reserve,
                             const StepsTaken& taken, const monitor::ReserveResult& trial) {
  const monitor::RoomAnswer answer =
      monitor::AnswerTakeRoom(room, reserve, {taken.steps, taken.bytes, taken.status}, trial);
  if (answer.fault.has_value()) Apply(*answer.fault);
  std::visit([this](const auto& one) { Apply(one); }, answer.answer);
}

void SpaceDriver::Do(const action::VerifyRoom& verify) {
  OnPool(
      [disk = disk_, bytes = verify.reserve_bytes] {
        // What cannot be removed now is tried again by the next trial.
        disk->trial().RemoveLeftover().IgnoreError();
        return disk->reserve().Verify(bytes);
      },
      [this](const monitor::ReserveResult& reserve) {
        if (!reserve.ok()) return AnswerVerified(reserve, "");
        owner_.VerifySteps(
            [this, guard = std::weak_ptr(alive_), reserve](const std::string& wrong) {
              if (!guard.expired()) AnswerVerified(reserve, wrong);
            });
      });
}

void SpaceDriver::AnswerVerified(const monitor::ReserveResult& reserve,
                                 const std::string& steps_defect) {
  const monitor::RoomCheck check = monitor::AnswerVerifyRoom(reserve, steps_defect);
  if (check.fault.has_value()) Apply(*check.fault);
  Apply(check.answer);
}

}  // namespace tidemark::spu
