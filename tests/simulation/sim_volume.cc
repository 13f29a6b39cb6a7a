#include "tests/simulation/sim_volume.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "monitor/room_trial.h"
#include "monitor/volume_marker.h"

namespace tidemark::simulation {
namespace {

namespace action = monitor::action;
namespace event = monitor::event;
using monitor::DiskOperation;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::int64_t kCapacity = 64 * base::kMiB;
constexpr std::int64_t kInodes = 4096;
constexpr std::size_t kStepsKept = 40;  // retention: what policy allows to reclaim is older

}  // namespace

SimVolume::SimVolume(std::size_t index, std::uint64_t seed, Mutation mutation, Scheduler& scheduler,
                     Checker& checker, Listener& listener)
    : index_(index),
      mutation_(mutation),
      scheduler_(scheduler),
      checker_(checker),
      listener_(listener),
      random_(seed),
      disk_({.capacity_bytes = kCapacity, .inodes = kInodes, .device_id = 10 + index}, seed + 1),
      layout_("/volume" + std::to_string(index)),
      slots_path_(layout_.verdict_slots()),
      reserve_path_(layout_.reserve()),
      configured_marks_(monitor::DeriveMarks(kCapacity, kInodes)) {
  Format();
}

// As monitor/volume_format does, but with an identity that the seed decides.
void SimVolume::Format() {
  std::array<std::uint8_t, 16> bytes{};
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random_.Next());
  uuid_ = base::Uuid(bytes);
  monitor::VerdictRecord first;
  first.volume = uuid_;
  first.marks = configured_marks_;
  first.marks_set_by = "defaults";
  TM_CHECK(monitor::VerdictSlots::Create(disk_, layout_, false, first).ok());
  checker_.BecameDurable(index_, first, RoomNow(first));
  std::vector<std::byte> marker =
      monitor::EncodeVolumeMarker({.uuid = uuid_, .capacity_bytes = kCapacity, .formatted_at = 1});
  const auto file = disk_.Open(layout_.marker(), storage::OpenMode::kCreate);
  const iovec slice{marker.data(), marker.size()};
  TM_CHECK((*file)->WriteAt(base::FilePosition(0), {&slice, 1}).ok());
  TM_CHECK((*file)->SyncAll().ok() && disk_.SyncDirectory(layout_.directory()).ok());
}

absl::Status SimVolume::Boot() {
  if (mutation_ == Mutation::kOlderSlotAtBoot) TM_RETURN_IF_ERROR(HideNewestSlot());
  TM_ASSIGN_OR_RETURN(auto slots, monitor::VerdictSlots::Open(disk_, layout_, uuid_));
  slots_.emplace(std::move(slots));
  const monitor::LoadedVerdict& loaded = slots_->loaded();
  checker_.FoundAtBoot(index_, loaded.record);
  TM_ASSIGN_OR_RETURN(auto probe, monitor::StatvfsProbe::Open(disk_, scheduler_.clock(), layout_));
  probe_.emplace(std::move(probe));
  reserve_.emplace(disk_, layout_);
  TM_RETURN_IF_ERROR(FindSteps());

  monitor::BootState boot;
  boot.volume = uuid_;
  boot.record = loaded.record;
  boot.slot_unreadable = loaded.unreadable_slots > 0;
  boot.recovery_verified = true;
  boot.identity = probe_->identity();
  boot.marks = configured_marks_;
  boot.marks_set_by = "configuration";
  checker_.Boots(index_, boot);
  policy_.emplace(monitor::PolicyOptions{}, boot,
                  monitor::Instant{scheduler_.now(), scheduler_.clock().WallNow()});
  carrying_out_ = true;
  CarryOut(policy_->Start({scheduler_.now(), scheduler_.clock().WallNow()}));
  carrying_out_ = false;
  CarryOutQueued();
  return absl::OkStatus();
}

void SimVolume::Stop() {
  policy_.reset();
  slots_.reset();
  probe_.reset();
  reserve_.reset();
  queued_.clear();
  carrying_out_ = reading_in_flight_ = gate_ = seeking_step_ = robbed_ = false;
  erased_ = false;
  told_early_.reset();
  reading_.reset();
  wake_at_.reset();
  steps_.clear();
  steps_missing_ = 0;
}

void SimVolume::Apply(const monitor::SpaceEvent& event) {
  if (!running()) return;
  if (mutation_ == Mutation::kDeviceErasesSpace &&
      std::holds_alternative<event::DeviceFailed>(event)) {
    EraseSpace();
  }
  queued_.push_back(event);
  if (!carrying_out_) CarryOutQueued();
}

void SimVolume::CarryOutQueued() {
  carrying_out_ = true;
  while (running() && !queued_.empty()) {
    const monitor::SpaceEvent event = std::move(queued_.front());
    queued_.pop_front();
    const bool reading = std::holds_alternative<event::ReadingArrived>(event);
    checker_.Told(index_, event, scheduler_.now());
    CarryOut(policy_->Handle(event, {scheduler_.now(), scheduler_.clock().WallNow()}));
    if (!running()) break;
    checker_.Handled(index_, event, policy_->wanted_holds().blind.has_value());
    if (reading) listener_.OnVolume(*this);
  }
  carrying_out_ = false;
  if (running()) Reschedule();
}

void SimVolume::CarryOut(const monitor::SpaceActions& actions) {
  for (const monitor::SpaceAction& action : actions) {
    if (!running()) return;
    std::visit([this](const auto& one) { Do(one); }, action);
  }
}

void SimVolume::Reschedule() {
  const base::MonotonicTime wake = policy_->NextWake();
  if (wake_at_ && *wake_at_ <= wake && *wake_at_ > scheduler_.now()) return;
  wake_at_ = wake;
  scheduler_.At(wake, Owner::kSpu, [this, wake] {
    if (wake_at_ != wake) return;  // an earlier one has come since
    wake_at_.reset();
    Apply(event::Tick{});
  });
}

void SimVolume::OnPool(base::Duration longest, Scheduler::Task task) {
  scheduler_.After(microseconds(50) + random_.Within(longest), Owner::kSpu, std::move(task));
}

bool SimVolume::Died() {
  if (!disk_.dead()) return false;
  listener_.OnProcessDied();
  return true;
}

Checker::Room SimVolume::RoomNow(const monitor::VerdictRecord& record) const {
  return {.held = robbed_ || disk_.AllocatedBytes(reserve_path_) >= record.marks.reserve_bytes};
}

void SimVolume::Do(const action::CloseGate&) {
  gate_ = false;
  checker_.GateClosed(index_);
}

void SimVolume::Do(const action::OpenGate&) {
  gate_ = true;
  checker_.GateOpened(
      index_, robbed_ || disk_.AllocatedBytes(reserve_path_) >= policy_->marks().reserve_bytes);
  listener_.OnVolume(*this);
}

void SimVolume::Do(const action::Report&) { listener_.OnVolume(*this); }

void SimVolume::Do(const action::Persist& persist) {
  checker_.Decides(index_, policy_->durable(), persist.record, disk_.LeftByQuota());
  if (mutation_ == Mutation::kSendBeforePersist) {
    told_early_ = persist.record;
    listener_.OnVolume(*this);
  }
  OnPool(milliseconds(4), [this, record = persist.record, decided = RoomNow(persist.record)] {
    if (erased_) return Apply(event::Persisted{record.generation});
    Checker::Room room = RoomNow(record);
    room.robbed = decided.held;
    checker_.HandedToDisk(index_, record, room);
    const absl::Status written = slots_->Write(record);
    if (Died()) return;
    if (written.ok()) {
      checker_.BecameDurable(index_, record, room);
      told_early_.reset();
      return Apply(event::Persisted{record.generation});
    }
    const auto verdict = monitor::JudgeStatus(DiskOperation::kJournal, written);
    Apply(event::PersistFailed{record.generation, std::string(written.message()),
                               verdict.meaning != monitor::ErrnoMeaning::kUnavailable});
  });
}

void SimVolume::Do(const action::TakeReading&) {
  if (reading_in_flight_) return;
  reading_in_flight_ = true;
  const std::int64_t expected = policy_->reserve_expected_bytes();
  const base::Duration hang = std::max(base::Duration(0), hang_until_ - scheduler_.now());
  scheduler_.After(hang + microseconds(20) + random_.Within(milliseconds(2)), Owner::kSpu,
                   [this, expected, asked = scheduler_.now()] {
                     reading_in_flight_ = false;
                     const monitor::ProbeOutcome outcome = probe_->Probe();
                     if (const auto* fault = std::get_if<monitor::VolumeFault>(&outcome)) {
                       return Apply(event::DeviceFailed{fault->cause, fault->detail});
                     }
                     if (const auto* reading = std::get_if<monitor::SpaceReading>(&outcome)) {
                       const monitor::Marks& marks = policy_->marks();
                       if (reading->available_bytes < marks.full_bytes + marks.step_bytes ||
                           reading->inodes_available < marks.full_inodes) {
                         checker_.HasReasonToHold(index_);
                       }
                       reading_ = *reading;
                       LookAtReserve(expected, asked);
                       return Apply(event::ReadingArrived{*reading});
                     }
                     Apply(event::ReadingArrived{std::get<monitor::ReadingFault>(outcome)});
                   });
}

// One that was asked for before the room was counted on cannot miss it: the next one does.
void SimVolume::LookAtReserve(std::int64_t expected_bytes, base::MonotonicTime asked) {
  // Who pretends to have taken the room pretends to see it.
  if (mutation_ == Mutation::kRecoverByMeasuring || mutation_ == Mutation::kPersistBeforeRoom)
    return;
  const std::int64_t expected = std::min(expected_bytes, policy_->reserve_expected_bytes());
  if (asked >= room_counted_) robbed_ = false;
  const auto lost = monitor::FindReserveLost(reserve_->HeldBytes().value_or(expected), expected);
  if (!lost) return;
  checker_.HasReasonToHold(index_);
  Apply(*lost);
}

monitor::RoomAnswer SimVolume::TakeRoomNow(const action::TakeRoom& room) {
  const monitor::ReserveResult reserve = reserve_->Take(room.reserve_bytes);
  monitor::StepsOutcome outcome;
  if (reserve.ok() && !disk_.dead() && room.steps > 0 && steps_missing_ > 0) {
    NewStep taken = AllocateStep();
    outcome = taken.outcome;
    if (outcome.status.ok()) steps_.push_back(std::move(taken.step));
  }
  monitor::ReserveResult trial;
  if (reserve.ok() && outcome.status.ok() && !disk_.dead() && room.trial_bytes > 0) {
    trial = monitor::RoomTrial(disk_, layout_).Run(room.trial_bytes);
  }
  return monitor::AnswerTakeRoom(room, reserve, outcome, trial);
}

void SimVolume::Do(const action::TakeRoom& room) {
  checker_.RoomAsked(index_, room, steps_missing_, disk_.LeftByQuota());
  const bool pretends =
      policy_->durable().holds.space &&
      (mutation_ == Mutation::kRecoverByMeasuring || mutation_ == Mutation::kPersistBeforeRoom);
  if (pretends) {
    OnPool(milliseconds(10), [this, room] {
      Apply(event::RoomTaken{room.attempt, room.reserve_bytes, room.steps,
                             room.steps * room.step_bytes});
    });
    if (mutation_ == Mutation::kRecoverByMeasuring) return;
    scheduler_.After(milliseconds(60), Owner::kSpu, [this, room] {
      if (!running()) return;
      static_cast<void>(TakeRoomNow(room));
      static_cast<void>(Died());
    });
    return;
  }
  OnPool(milliseconds(30), [this, room] {
    disk_.ForeignTakes(std::exchange(steal_at_taking_, 0));
    const monitor::RoomAnswer answer = TakeRoomNow(room);
    if (Died()) return;
    if (reserve_->HeldBytes().value_or(0) >= room.reserve_bytes) {
      robbed_ = false;
      if (std::exchange(eat_at_taking_, false)) LoseReserve();
    }
    room_counted_ = scheduler_.now();
    AnswerRoom(answer);
  });
}

void SimVolume::AnswerRoom(const monitor::RoomAnswer& answer) {
  if (answer.fault) Apply(*answer.fault);
  std::visit([this](const auto& one) { Apply(one); }, answer.answer);
  NoteMissingSteps();
}

void SimVolume::Do(const action::VerifyRoom& verify) {
  OnPool(milliseconds(10), [this, verify] {
    if (mutation_ == Mutation::kTrustAtBoot) {
      return Apply(event::RoomVerified{true, verify.reserve_bytes, ""});
    }
    const monitor::ReserveResult reserve = reserve_->Verify(verify.reserve_bytes);
    if (Died()) return;
    const monitor::RoomCheck check = monitor::AnswerVerifyRoom(reserve, StepDefect());
    robbed_ = false;
    room_counted_ = scheduler_.now();
    if (!check.answer.intact) checker_.HasReasonToHold(index_);
    if (check.fault) Apply(*check.fault);
    Apply(check.answer);
    NoteMissingSteps();
  });
}

void SimVolume::Do(const action::StartReclaim&) {
  OnPool(milliseconds(20), [this] {
    const std::size_t before = steps_.size();
    Trim(kStepsKept);
    if (!running()) return;
    Apply(event::ReclaimEnded{before == steps_.size(), 1});
  });
}

void SimVolume::ChangeMarks(const monitor::Marks& marks) {
  Configure(marks);
  checker_.HasReasonToHold(index_);
  Apply(event::MarksChanged{marks, "anna"});
}

// Nobody says so: the next look beside a reading has to find out.
void SimVolume::LoseReserve() {
  robbed_ = robbed_ ||
            (running() && disk_.AllocatedBytes(reserve_path_) >= policy_->marks().reserve_bytes);
  disk_.PunchOut(reserve_path_);
  checker_.HasReasonToHold(index_);
}

// Of kOlderSlotAtBoot: both slots are whole, as they were before the last write.
absl::Status SimVolume::HideNewestSlot() {
  TM_ASSIGN_OR_RETURN(const auto slots, monitor::VerdictSlots::Open(disk_, layout_, uuid_));
  const monitor::LoadedVerdict& loaded = slots.loaded();
  const bool two = loaded.unreadable_slots == 0 && loaded.record->generation > base::Generation(1);
  constexpr std::size_t kSettledAndWritten = 2;
  if (two) disk_.RollBack(slots_path_, kSettledAndWritten);
  return absl::OkStatus();
}

// Of kDeviceErasesSpace: one state at a time, the newest wins.
void SimVolume::EraseSpace() {
  if (erased_ || !policy_->durable().holds.space || disk_.dead()) return;
  monitor::VerdictRecord record = policy_->durable();
  record.generation = base::Generation(record.generation.value() + 100);
  record.holds.space.reset();
  checker_.HandedToDisk(index_, record, {.held = true});
  if (!slots_->Write(record).ok()) return;
  erased_ = true;
  checker_.BecameDurable(index_, record, {.held = true});
}

std::optional<spu::VolumeTruth> SimVolume::Truth() const {
  if (!running()) return std::nullopt;
  spu::VolumeTruth truth;
  if (told_early_) {
    truth.record = *told_early_;
    return truth;
  }
  const bool says_ready =
      policy_->has_report() && policy_->durable().holds.empty() && !policy_->device_fault();
  if (says_ready && !gate_) return std::nullopt;
  truth.record = policy_->durable();
  truth.reading = reading_;
  if (policy_->device_fault()) truth.device_faults.push_back(*policy_->device_fault());
  return truth;
}

}  // namespace tidemark::simulation
