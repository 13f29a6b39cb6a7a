#include "monitor/space_policy.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/check.h"
#include "monitor/hold_effects.h"
#include "monitor/verdict_codec.h"

namespace tidemark::monitor {

SpacePolicy::SpacePolicy(const PolicyOptions& options, const BootState& boot, Instant at)
    : options_(options),
      at_(at),
      budget_(boot.marks),
      identity_(boot.identity),
      settle_(options.settle) {
  if (boot.record) durable_ = *boot.record;
  durable_.volume = boot.volume;
  generation_floor_ = durable_.generation;
  // Two empty slots are no fresh volume: format writes a record of generation 0.
  const bool unreadable = boot.slot_unreadable || !boot.record;
  provisioning_ = !unreadable && durable_.generation == base::Generation(0);

  wanted_ = durable_;
  wanted_.marks = boot.marks;
  if (wanted_.marks != durable_.marks) wanted_.marks_set_by = boot.marks_set_by;
  if (boot.recovery_verified) wanted_.holds.device.reset();
  if (durable_.holds.space) began_ = "before this start of the SPU, which knows no more of it";
  if (unreadable) {
    // What could not be read may have been one generation newer, with one episode more.
    ++generation_floor_;
    wanted_.holds.space.reset();
    RaiseSpace(durable_.holds.space ? durable_.holds.space->cause : SpaceCause::kBytes, true,
               "a slot of the verdict could not be read at the start: what it held is not known");
  }
  // Nobody knows any more whether readings showed what was short.
  shortage_unseen_ = wanted_.holds.space.has_value();
  next_poll_ = at.now;
  lease_until_ = at.now + LeaseOfReading();
}

SpaceActions SpacePolicy::Start(Instant at) {
  at_ = at;
  actions_.clear();
  actions_.push_back(action::VerifyRoom{wanted_.marks.reserve_bytes});
  report_due_ = durable_.generation.value() > 0;
  Settle();
  return std::move(actions_);
}

SpaceActions SpacePolicy::Handle(const SpaceEvent& event, Instant at) {
  const auto mask = [this] {
    return static_cast<HoldMask>(MaskOf(wanted_.holds) | (device_fault_ ? kDeviceMask : kNoHold));
  };
  at_ = at;
  actions_.clear();
  const HoldMask before = mask();
  CheckDeadline();
  std::visit([this](const auto& e) { On(e); }, event);
  Settle();
  const HoldMask after = mask();

  const HoldEffect& effect = kHoldEffects[event.index()];
  TM_CHECK((after & ~before & ~effect.may_set) == 0);
  TM_CHECK((before & ~after & ~effect.may_lift) == 0);
  TM_CHECK((before & ~after & kSpaceMask) == 0 || proof_.phase() == ProofAttempt::Phase::kProven);
  return std::move(actions_);
}

void SpacePolicy::Settle() {
  CheckLease();
  AdvanceProof();
  SyncGate();
  SyncRecord();
  SyncOpening();
  SyncPolling();
  SyncVouching();
}

void SpacePolicy::SyncVouching() {
  const bool says_ready =
      durable_.generation.value() > 0 && durable_.holds.empty() && !device_fault_.has_value();
  if (gate_open_ || !says_ready) {
    unvouched_since_.reset();
  } else if (!unvouched_since_) {
    unvouched_since_ = at_.now;
  }
}

void SpacePolicy::RaiseSpace(SpaceCause cause, bool unproven, const std::string& why) {
  // A fresh volume has never been anything but closed: it needs bytes, but no episode.
  if (provisioning_) return;
  if (wanted_.holds.space) {
    if (unproven && !wanted_.holds.space->unproven) {
      wanted_.holds.space->unproven = true;
      began_ += "; then " + why;
    }
    return;
  }
  if (proof_.phase() == ProofAttempt::Phase::kProven && !ProofIsBeingWritten()) {
    // Before its record goes to the disk, the proof can still be taken back.
    ReopenEpisode();
    return;
  }
  BeginEpisode();
  began_ = why;
  wanted_.holds.space = SpaceHold{wanted_.episode, cause, unproven, at_.wall};
}

void SpacePolicy::BeginEpisode() {
  if (last_episode_ended_) {
    const base::Duration quiet = at_.now - *last_episode_ended_;
    if (quiet < options_.flap_window) {
      settle_ = std::min(settle_ * 2, options_.settle_max);
    } else {
      for (auto n = quiet / options_.flap_window; n > 0 && settle_ > options_.settle; --n) {
        settle_ = std::max(options_.settle, settle_ / 2);
      }
    }
  }
  ++wanted_.episode;
  proof_.Forget();
  before_ = reading_;
  freed_by_us_bytes_ = 0;
  gain_bytes_ = 0;
  steps_taken_ = 0;
  steps_taken_bytes_ = 0;
  reclaim_ended_.reset();
  shortage_unseen_ = false;
}

void SpacePolicy::RaiseDevice(DeviceCause cause, std::string detail) {
  if (device_fault_) return;  // the first is the one to tell
  device_fault_ = DeviceHold{cause, std::move(detail), at_.wall};
  // It cannot wait for a record: the disk may never take one again.
  device_report_due_ = true;
}

void SpacePolicy::ReopenEpisode() {
  if (proof_.phase() != ProofAttempt::Phase::kProven || wanted_.holds.space) return;
  wanted_.holds.space = proof_.goal().episode;
  if (!ProofIsBeingWritten()) wanted_.last_proof = durable_.last_proof;
  proof_.Abort();
}

bool SpacePolicy::ProofIsBeingWritten() const {
  return writing_ && durable_.holds.space && !writing_->holds.space;
}

// Only ever called when every step of the proof but the last has passed.
void SpacePolicy::LiftSpace() {
  room_held_ = true;
  if (!proof_.goal().episode) {
    provisioning_ = false;
    proof_.Forget();
    return;
  }
  Proof proof = proof_.MakeProof(at_.now);
  if (before_) {
    proof.bytes_before = before_->available_bytes;
    proof.inodes_before = before_->inodes_available;
  }
  proof.freed_by_us_bytes = freed_by_us_bytes_;
  proof.observed_gain_bytes = gain_bytes_;
  proof.at_wall = at_.wall;
  if (const std::string defect = FindProofDefect(proof); !defect.empty()) {
    proof_.Fail(ProofStep::kPersist, defect, at_.now);
    return;
  }
  wanted_.last_proof = proof;
  wanted_.holds.space.reset();
}

bool SpacePolicy::ProofIsDue() const {
  if (device_fault_ || wanted_.holds.device || wanted_.holds.blind || !room_known_) return false;
  if (!wanted_.holds.space) return !room_held_ && provisioning_;
  // First the hold is durable, then it may be argued away.
  return durable_.holds.space && durable_.holds.space->episode == wanted_.holds.space->episode &&
         durable_.generation > known_elsewhere_;
}

void SpacePolicy::AdvanceProof() {
  if (proof_.running() && proof_.phase() != ProofAttempt::Phase::kProven && !ProofIsDue()) {
    if (device_fault_) {
      proof_.Fail(ProofStep::kIdentity, absl::StrFormat("device fault: %s", device_fault_->detail),
                  at_.now);
    } else if (wanted_.holds.blind) {
      proof_.Fail(ProofStep::kReadings, wanted_.holds.blind->reason, at_.now);
    } else {
      proof_.Abort();
    }
  }
  // Never two takings at once, whatever became of the attempt that asked for the first.
  if (!room_grant_ && ProofIsDue() && proof_.MayBegin(at_.now)) {
    ProofGoal goal;
    goal.episode = wanted_.holds.space;
    goal.marks = wanted_.marks;
    goal.readings = goal.episode ? kProofReadings : 1;
    goal.settle = goal.episode ? settle_ : base::Duration(0);
    goal.reserve_held_bytes = reserve_held_bytes_;
    goal.steps_missing = steps_missing_;
    goal.steps_held = steps_taken_;
    goal.steps_held_bytes = steps_taken_bytes_;
    goal.trial_bytes = TrialBytes();
    proof_.Begin(goal, at_.now);
    PollSoon();
  }
}

// The gap is what keeps a volume from going up and down at one mark. Where readings cannot see it,
// only taking it shows it; of a very large one a part will do.
std::int64_t SpacePolicy::TrialBytes() const {
  if (!wanted_.holds.space) return 0;
  if (!shortage_unseen_ && wanted_.holds.space->cause != SpaceCause::kQuota) return 0;
  constexpr std::int64_t kStepsMax = 64;
  return std::min(wanted_.marks.gap_bytes(), kStepsMax * wanted_.marks.step_bytes);
}

void SpacePolicy::FollowProof(ProofAttempt::Want want) {
  switch (want) {
    case ProofAttempt::Want::kNothing:
      return;
    case ProofAttempt::Want::kReading:
      PollSoon();
      return;
    case ProofAttempt::Want::kRoom: {
      const auto answer = budget_.Request(proof_.bytes_to_show(), proof_.inodes_to_take(), at_.now);
      if (const auto* refusal = std::get_if<BudgetRefusal>(&answer)) {
        proof_.Fail(ProofStep::kTakeRoom, refusal->ToString(), at_.now);
        return;
      }
      room_grant_ = std::get<GrantId>(answer);
      actions_.push_back(action::TakeRoom{proof_.attempt(), wanted_.marks.reserve_bytes,
                                          proof_.steps_to_take(), wanted_.marks.step_bytes,
                                          proof_.goal().trial_bytes});
      return;
    }
    case ProofAttempt::Want::kPersist:
      LiftSpace();
      return;
  }
}

bool SpacePolicy::SpaceIsEnough() const {
  if (!reading_ || at_.now >= lease_until_) return false;
  return reading_->available_bytes - wanted_.marks.full_bytes >= wanted_.marks.step_bytes &&
         LevelByInodes(*reading_, wanted_.marks) != SpaceLevel::kFull;
}

void SpacePolicy::SyncGate() {
  if (!gate_open_ || (!held() && room_held_)) return;
  gate_open_ = false;
  actions_.push_back(action::CloseGate{});
}

bool SpacePolicy::MayPersistWanted() const {
  const bool never_ready = durable_.generation == base::Generation(0);
  const bool behind = known_elsewhere_.value() > 0 && durable_.generation <= known_elsewhere_;
  if (wanted_.SameVerdict(durable_) && !never_ready && !behind) return false;
  if (!wanted_.holds.empty()) return true;
  // "No holds" becomes durable only while the room is held and the space is there; also where it
  // was durable before, as with marks that changed over a restart.
  return room_held_ && SpaceIsEnough();
}

void SpacePolicy::SyncRecord() {
  if (writing_ || at_.now < persist_next_ || !MayPersistWanted()) return;
  generation_floor_ = std::max(generation_floor_, known_elsewhere_);
  // Texts as long as the slot has room for: a restart must tell this generation the same way.
  wanted_ = DurableForm(std::move(wanted_));
  writing_ = wanted_;
  writing_->generation = ++generation_floor_;
  actions_.push_back(action::Persist{*writing_});
}

void SpacePolicy::SyncOpening() {
  const bool may_open = !gate_open_ && !held() && room_held_ && durable_.holds.empty() &&
                        durable_.generation.value() > 0 && (!writing_ || writing_->holds.empty()) &&
                        SpaceIsEnough();
  if (may_open) {
    gate_open_ = true;
    actions_.push_back(action::OpenGate{});
  }
  // A record that is about to be superseded is not worth telling.
  if (device_report_due_ || (report_due_ && !writing_)) {
    device_report_due_ = false;
    report_due_ = false;
    actions_.push_back(action::Report{durable_, device_fault_});
  }
}

base::MonotonicTime SpacePolicy::NextWake() const {
  base::MonotonicTime wake = poll_began_ ? *poll_began_ + ReadingDeadline() : next_poll_;
  if (!wanted_.holds.blind) wake = std::min(wake, lease_until_);
  if (!writing_ && MayPersistWanted()) wake = std::min(wake, persist_next_);
  if (!proof_.running() && !room_grant_ && ProofIsDue()) wake = std::min(wake, proof_.next_try());
  return wake;
}

}  // namespace tidemark::monitor
