#include "tests/monitor/policy_rig.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "monitor/hold_effects.h"

namespace tidemark::monitor {
namespace {

base::Uuid RigVolume() { return base::Uuid({1, 2, 3, 4}); }

// Longer than any lease: 3 intervals of 5 s and the deadline.
constexpr base::Duration kLeaseMax = std::chrono::seconds(16);

}  // namespace

PolicyRig::PolicyRig() : marks_(DeriveMarks(kCapacity, kInodes)) {
  on_disk_.volume = RigVolume();
  on_disk_.marks = marks_;
  on_disk_.marks_set_by = "defaults";
}

void PolicyRig::MakeReady() {
  reserve_ = marks_.reserve_bytes;
  on_disk_.generation = base::Generation(1);
  generations_.insert(1);
  Boot();
}

void PolicyRig::Kill() {
  policy_.reset();
  persisting_.reset();
  reading_ = false;
  taking_.reset();
  verifying_ = false;
  reclaiming_ = false;
  gate_ = false;
}

void PolicyRig::Boot(bool slot_unreadable) {
  Kill();
  device_fault_ = false;
  newest_.reset();
  checker_.ForgetProof();
  // What never reached the disk was never told to anybody either.
  generations_.erase(generations_.upper_bound(on_disk_.generation.value()), generations_.end());
  BootState boot;
  boot.volume = RigVolume();
  boot.record = on_disk_;
  boot.slot_unreadable = slot_unreadable;
  boot.recovery_verified = true;
  boot.identity = VolumeIdentity{1, 2};
  boot.marks = marks_;
  boot.marks_set_by = "configuration";
  policy_ = std::make_unique<SpacePolicy>(options_, boot, at());
  Note(policy_->Start(at()));
}

void PolicyRig::Do(const SpaceEvent& event) {
  Pass(std::chrono::microseconds(1));  // nothing happens at the very same time
  if (std::holds_alternative<event::AllocationFailed>(event)) {
    checker_.streak.clear();  // only what was read after it counts
    checker_.error_in_attempt = true;
  }
  if (std::holds_alternative<event::DeviceFailed>(event)) device_fault_ = true;
  if (const auto* arrived = std::get_if<event::ReadingArrived>(&event)) {
    CountReading(arrived->outcome);
  }
  if (const auto* changed = std::get_if<event::MarksChanged>(&event)) {
    if (changed->marks != marks_) checker_.ForgetProof();
    marks_ = changed->marks;
  }
  const std::size_t known = trace_.size();
  Note(policy_->Handle(event, at()));
  story_.push_back(absl::StrFormat("%d us %s", now_.since_start().count() / 1000,
                                   kHoldEffects[event.index()].event));
  for (std::size_t i = known; i < trace_.size(); ++i) story_.push_back("    → " + trace_[i]);
}

std::string PolicyRig::Story(std::size_t lines) const {
  std::string text;
  for (std::size_t i = story_.size() - std::min(lines, story_.size()); i < story_.size(); ++i) {
    text += story_[i] + "\n";
  }
  return text;
}

void PolicyRig::Note(const SpaceActions& actions) {
  for (const SpaceAction& a : actions) {
    if (std::holds_alternative<action::CloseGate>(a)) {
      trace_.push_back("close");
      checker_.Require(gate_, "closed a gate that was closed");
      gate_ = false;
    } else if (std::holds_alternative<action::OpenGate>(a)) {
      trace_.push_back("open");
      checker_.Require(!gate_, "opened a gate that was open");
      gate_ = true;
    } else if (const auto* persist = std::get_if<action::Persist>(&a)) {
      trace_.push_back("persist " + DescribeHolds(persist->record.holds));
      NotePersist(persist->record);
    } else if (const auto* report = std::get_if<action::Report>(&a)) {
      trace_.push_back(absl::StrFormat("report %u", report->record.generation.value()));
      checker_.Require(report->record == on_disk_, "reported what is not durable");
      checker_.Require(report->device_fault.has_value() == policy_->device_fault().has_value(),
                       "report hides a device fault");
      reports_.push_back(*report);
    } else if (std::holds_alternative<action::TakeReading>(a)) {
      if (!std::exchange(reading_, true)) reading_due_ = now_ + sync_takes_;
    } else if (const auto* room = std::get_if<action::TakeRoom>(&a)) {
      trace_.push_back("take room");
      checker_.Require(!taking_, "two takings at once");
      checker_.took_room_in_order =
          checker_.streak.size() >= 3 &&
          checker_.streak.back().started - checker_.streak.front().started >= options_.settle;
      checker_.error_in_attempt = false;
      checker_.streak.clear();
      checker_.room_taken_at.reset();
      checker_.seen_after = false;
      taking_ = *room;
    } else if (std::holds_alternative<action::VerifyRoom>(a)) {
      verifying_ = true;
    } else if (const auto* reclaim = std::get_if<action::StartReclaim>(&a)) {
      reclaiming_ = true;
      reclaim_wanted_bytes_ = reclaim->wanted_bytes;
    }
  }
  CheckGate();
}

void PolicyRig::NotePersist(const VerdictRecord& record) {
  checker_.Require(!persisting_, "two records written at once");
  checker_.Require(generations_.insert(record.generation.value()).second,
                   "a generation used twice");
  checker_.Require(record.generation > on_disk_.generation, "a generation that does not grow");
  checker_.Require(!gate_ || record.holds.empty(), "persisted a hold before closing the gate");
  if (record.holds.empty()) {
    checker_.Require(reserve_ >= record.marks.reserve_bytes && !reserve_damaged_,
                     "persisted 'no holds' without the room");
  }
  const auto& before = on_disk_.holds.space;
  // An unreadable slot may have held a newer episode: then it goes on in one that is newer still.
  const bool worse = record.holds.space && record.holds.space->unproven && before &&
                     record.holds.space->episode > before->episode;
  const bool left =
      before && !worse && (!record.holds.space || record.holds.space->episode != before->episode);
  if (left) {
    const bool proven = record.last_proof && record.last_proof->episode == before->episode;
    checker_.Require(proven, "a space hold gone without its proof");
    if (proven) {
      checker_.Require(FindProofDefect(*record.last_proof).empty(),
                       "a space hold gone, proof short");
      checker_.Require(record.last_proof->marks.resume_bytes == on_disk_.marks.resume_bytes ||
                           record.last_proof->marks.resume_bytes == marks_.resume_bytes,
                       "a proof by marks of nobody");
    }
    checker_.Require(checker_.took_room_in_order, "room not taken after three settled readings");
    checker_.Require(checker_.room_taken_at.has_value(), "a space hold gone without taking room");
    checker_.Require(checker_.seen_after, "no reading after the room was taken");
    checker_.Require(!checker_.error_in_attempt, "ENOSPC since the readings began");
  }
  persisting_ = record;
}

void PolicyRig::CheckGate() {
  checker_.Require(policy_->gate_open() == gate_, "gate_open() is not what the actions made it");
  if (!gate_) return;
  checker_.Require(on_disk_.holds.empty(), "open gate over a durable hold");
  checker_.Require(on_disk_.generation.value() > 0, "open gate over a fresh volume");
  checker_.Require(!device_fault_, "open gate over a device fault");
  checker_.Require(reserve_ >= on_disk_.marks.reserve_bytes && !reserve_damaged_,
                   "open gate without the reserve");
  checker_.Require(newest_ && now_ - newest_->started <= kLeaseMax + 6 * sync_takes_,
                   "open gate, blind");
  checker_.Require(policy_->wanted_holds().empty(), "open gate over a wanted hold");
}

void PolicyRig::CountReading(const ReadingOutcome& outcome) {
  const auto* reading = std::get_if<SpaceReading>(&outcome);
  const bool believed =
      reading != nullptr && reading->identity == VolumeIdentity{1, 2} && !reading->read_only &&
      reading->finished - reading->started - reading->synced_for <= options_.reading_deadline;
  if (reading != nullptr && (reading->read_only || reading->identity != VolumeIdentity{1, 2})) {
    device_fault_ = true;
  }
  if (!believed) {
    checker_.streak.clear();
    return;
  }
  if (newest_ && reading->started <= newest_->started) return;  // a replay
  newest_ =
      PromiseChecker::Seen{reading->started, reading->available_bytes, reading->inodes_available};
  const bool enough = reading->available_bytes >= marks_.resume_bytes &&
                      reading->inodes_available >= marks_.resume_inodes;
  checker_.seen_after =
      enough && checker_.room_taken_at && reading->started >= *checker_.room_taken_at;
  if (!enough) {
    checker_.streak.clear();
    return;
  }
  checker_.streak.push_back(*newest_);
}

ReadingOutcome PolicyRig::ReadDisk() const {
  SpaceReading reading;
  reading.available_bytes = available();
  reading.root_only_bytes = root_only_bytes_;
  reading.total_bytes = kCapacity;
  reading.inodes_available = inodes_available_;
  reading.inodes_total = kInodes;
  reading.counts_inodes = true;
  reading.read_only = read_only_;
  reading.identity = identity_;
  reading.type_magic = 0xEF53;
  reading.started = now_ - sync_takes_;
  reading.finished = now_;
  reading.synced_for = sync_takes_;
  return reading;
}

bool PolicyRig::AnswerReading() { return AnswerReadingWith(ReadDisk()); }

bool PolicyRig::AnswerReadingWith(ReadingOutcome outcome) {
  if (!reading_) return false;
  reading_ = false;
  Do(event::ReadingArrived{outcome});
  return true;
}

bool PolicyRig::AnswerPersist(bool ok, bool unknown_on_disk, bool reached_disk) {
  if (!persisting_) return false;
  const VerdictRecord record = *persisting_;
  persisting_.reset();
  if (on_disk_.holds.space && !record.holds.space) checker_.ForgetProof();
  if (ok) {
    on_disk_ = record;
    Do(event::Persisted{record.generation});
  } else {
    device_fault_ = device_fault_ || unknown_on_disk;
    Do(event::PersistFailed{record.generation, "fdatasync: EIO", unknown_on_disk});
    // What a failed sync left on the disk is seen only by the next boot.
    if (unknown_on_disk && reached_disk) {
      Kill();
      on_disk_ = record;
    }
  }
  return true;
}

bool PolicyRig::AnswerRoom() {
  if (!taking_) return false;
  const action::TakeRoom ask = *taking_;
  taking_.reset();
  foreign_ += std::min(steal_at_taking_, std::max<std::int64_t>(0, available()));
  const std::int64_t missing = std::max<std::int64_t>(0, ask.reserve_bytes - reserve_);
  const std::int64_t bytes = missing + ask.steps * ask.step_bytes;
  trials_ += ask.trial_bytes > 0 ? 1 : 0;
  if (bytes + ask.trial_bytes > std::min(available(), quota_left_)) {
    checker_.ForgetProof();
    Do(event::RoomRefused{ask.attempt, "fallocate: ENOSPC", reserve_, 0, 0, true});
    return true;
  }
  reserve_ += missing;
  reserve_damaged_ = false;
  if (const std::int64_t some = std::exchange(steps_before_refusal_, ask.steps); some < ask.steps) {
    steps_ += some * ask.step_bytes;
    Do(event::StepsMissing{ask.steps - some});
    Do(event::RoomRefused{ask.attempt, "fallocate: EDQUOT", reserve_, some, some * ask.step_bytes,
                          true});
    return true;
  }
  steps_ += ask.steps * ask.step_bytes;
  if (checker_.took_room_in_order) checker_.room_taken_at = now_;
  Do(event::RoomTaken{ask.attempt, reserve_, ask.steps, ask.steps * ask.step_bytes});
  return true;
}

bool PolicyRig::AnswerVerify() {
  if (!verifying_) return false;
  verifying_ = false;
  Do(event::RoomVerified{reserve_ >= marks_.reserve_bytes && !reserve_damaged_,
                         reserve_damaged_ ? 0 : reserve_, "reserve is damaged"});
  return true;
}

bool PolicyRig::AnswerReclaim() {
  if (!reclaiming_) return false;
  reclaiming_ = false;
  Do(event::ReclaimEnded{true, 0});
  return true;
}

bool PolicyRig::RunUntil(const std::function<bool()>& done, base::Duration limit) {
  const base::MonotonicTime until = now_ + limit;
  while (!done()) {
    const bool synced = now_ >= reading_due_;
    if (AnswerVerify() || AnswerPersist() || (synced && AnswerReading()) || AnswerRoom() ||
        AnswerReclaim()) {
      continue;
    }
    const base::MonotonicTime next = policy_->NextWake();
    const base::MonotonicTime wake = reading_ && !synced ? std::min(next, reading_due_) : next;
    if (wake > until) {
      now_ = until;
      return done();
    }
    if (wake < next) {
      now_ = wake;
      continue;
    }
    // A wake-up that has come and did nothing would spin here for ever.
    now_ = std::max(wake, now_ + std::chrono::microseconds(1));
    Tick();
  }
  return true;
}

void PolicyRig::Run(base::Duration duration) {
  RunUntil([] { return false; }, duration);
}

}  // namespace tidemark::monitor
