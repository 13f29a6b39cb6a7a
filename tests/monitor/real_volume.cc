#include "tests/monitor/real_volume.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"

namespace tidemark::monitor {

using storage::OpenMode;

StepsOutcome StepFiles::Take(std::int64_t steps, std::int64_t step_bytes) {
  StepsOutcome taken;
  step_bytes_ = step_bytes;
  for (std::int64_t i = 0; i < steps; ++i) {
    const std::string path = absl::StrFormat("%s/step-%d", directory_, next_++);
    taken.status = TakeOne(path, step_bytes);
    if (!taken.status.ok()) {
      file_system_.RemoveFile(path).IgnoreError();
      return taken;
    }
    held_.push_back(path);
    ++taken.steps;
    taken.bytes += step_bytes;
  }
  return taken;
}

absl::Status StepFiles::TakeOne(const std::string& path, std::int64_t step_bytes) {
  TM_ASSIGN_OR_RETURN(const auto file, file_system_.Open(path, OpenMode::kCreate));
  TM_RETURN_IF_ERROR(file->Allocate(base::FilePosition(0), step_bytes));
  TM_RETURN_IF_ERROR(file->SyncAll());
  return file_system_.SyncDirectory(directory_);
}

absl::Status StepFiles::WriteIntoAll() {
  std::string bytes(static_cast<std::size_t>(step_bytes_), 'w');
  const iovec slice{bytes.data(), bytes.size()};
  for (const std::string& path : held_) {
    TM_ASSIGN_OR_RETURN(const auto file, file_system_.Open(path, OpenMode::kReadWrite));
    TM_RETURN_IF_ERROR(file->WriteAt(base::FilePosition(0), {&slice, 1}));
    TM_RETURN_IF_ERROR(file->SyncData());
  }
  return absl::OkStatus();
}

absl::Status StepFiles::DropAll() {
  for (const std::string& path : held_) TM_RETURN_IF_ERROR(file_system_.RemoveFile(path));
  held_.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RealVolume>> RealVolume::Boot(storage::FileSystem& file_system,
                                                             const VolumeLayout& layout,
                                                             support::FakeClock& clock) {
  TM_ASSIGN_OR_RETURN(StatvfsProbe probe, StatvfsProbe::Open(file_system, clock, layout));
  const VolumeMarker marker = probe.marker();
  TM_ASSIGN_OR_RETURN(VerdictSlots slots, VerdictSlots::Open(file_system, layout, marker.uuid));
  TM_ASSIGN_OR_RETURN(const storage::FileSystemStat stat,
                      file_system.StatFileSystem(layout.directory()));
  BootState boot;
  boot.volume = marker.uuid;
  boot.record = slots.loaded().record;
  boot.slot_unreadable = slots.loaded().unreadable_slots > 0;
  boot.recovery_verified = true;
  boot.marks = DeriveMarks(marker.capacity_bytes, static_cast<std::int64_t>(stat.inodes_total), {});
  boot.marks_set_by = "defaults";
  std::unique_ptr<RealVolume> volume(
      new RealVolume(file_system, layout, clock, std::move(probe), std::move(slots)));
  volume->policy_.emplace(PolicyOptions(), boot, volume->now());
  volume->Do(volume->policy_->Start(volume->now()));
  volume->Drain();
  return volume;
}

RealVolume::RealVolume(storage::FileSystem& file_system, const VolumeLayout& layout,
                       support::FakeClock& clock, StatvfsProbe probe, VerdictSlots slots)
    : clock_(clock),
      probe_(std::move(probe)),
      slots_(std::move(slots)),
      reserve_(file_system, layout),
      trial_(file_system, layout),
      steps_(file_system, layout.partitions()) {}

void RealVolume::Tell(const SpaceEvent& event) {
  events_.push_back(event);
  Drain();
}

void RealVolume::Drain() {
  while (!events_.empty()) {
    const SpaceEvent event = std::move(events_.front());
    events_.pop_front();
    Do(policy_->Handle(event, now()));
  }
}

void RealVolume::RunFor(base::Duration duration) {
  constexpr base::Duration kLeast = std::chrono::milliseconds(1);
  const base::MonotonicTime end = clock_.Now() + duration;
  while (clock_.Now() < end) {
    clock_.Advance(std::max(kLeast, std::min(policy_->NextWake(), end) - clock_.Now()));
    Tell(event::Tick());
  }
}

bool RealVolume::RunUntilOpen(base::Duration at_most) {
  constexpr base::Duration kSlice = std::chrono::milliseconds(100);
  for (base::Duration spent{0}; spent < at_most && !gate_open_; spent += kSlice) RunFor(kSlice);
  return gate_open_;
}

bool RealVolume::RunUntilHeld(base::Duration at_most) {
  constexpr base::Duration kSlice = std::chrono::milliseconds(100);
  for (base::Duration spent{0}; spent < at_most; spent += kSlice) {
    if (policy_->durable().holds.space.has_value()) return true;
    RunFor(kSlice);
  }
  return policy_->durable().holds.space.has_value();
}

void RealVolume::Do(const SpaceActions& actions) {
  for (const SpaceAction& action : actions) {
    std::visit([this](const auto& one) { Do(one); }, action);
  }
}

void RealVolume::Do(const action::Persist& persist) {
  const absl::Status status = slots_.Write(persist.record);
  if (status.ok()) {
    events_.push_back(event::Persisted{persist.record.generation});
  } else {
    events_.push_back(
        event::PersistFailed{persist.record.generation, std::string(status.message())});
  }
}

void RealVolume::Do(const action::OpenGate&) {
  gate_open_ = true;
  ++times_opened_;
  if (on_open_) on_open_();
}

void RealVolume::Do(const action::TakeReading&) {
  // No two readings at the same moment: the second would be taken for an echo of the first.
  clock_.Advance(std::chrono::microseconds(100));
  const ProbeOutcome outcome = probe_.Probe();
  if (const auto* fault = std::get_if<VolumeFault>(&outcome)) {
    events_.push_back(event::DeviceFailed{fault->cause, fault->detail});
  } else if (const auto* failed = std::get_if<ReadingFault>(&outcome)) {
    events_.push_back(event::ReadingArrived{*failed});
  } else {
    events_.push_back(event::ReadingArrived{std::get<SpaceReading>(outcome)});
  }
}

void RealVolume::Do(const action::TakeRoom& room) {
  const ReserveResult reserve = reserve_.Take(room.reserve_bytes);
  const StepsOutcome steps =
      reserve.ok() ? steps_.Take(room.steps, room.step_bytes) : StepsOutcome{};
  ReserveResult trial;
  if (reserve.ok() && steps.status.ok() && room.trial_bytes > 0) {
    trial = trial_.Run(room.trial_bytes);
  }
  const RoomAnswer answer = AnswerTakeRoom(room, reserve, steps, trial);
  if (answer.fault.has_value()) events_.push_back(*answer.fault);
  std::visit([this](const auto& one) { events_.push_back(one); }, answer.answer);
}

void RealVolume::Do(const action::VerifyRoom& room) {
  const RoomCheck check = AnswerVerifyRoom(reserve_.Verify(room.reserve_bytes), "");
  if (check.fault.has_value()) events_.push_back(*check.fault);
  events_.push_back(check.answer);
}

}  // namespace tidemark::monitor
