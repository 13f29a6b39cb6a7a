#include "tests/simulation/proof_watch.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"

namespace tidemark::simulation {
namespace {

namespace event = monitor::event;
using monitor::SpaceReading;

constexpr std::size_t kReadingsThatSettle = 3;
constexpr base::Duration kSettle = std::chrono::seconds(2);
constexpr int kReadingsThatSee = 3;

const SpaceReading* ReadingIn(const monitor::SpaceEvent& event) {
  const auto* arrived = std::get_if<event::ReadingArrived>(&event);
  return arrived == nullptr ? nullptr : std::get_if<SpaceReading>(&arrived->outcome);
}

}  // namespace

void ProofWatch::Boot(const monitor::BootState& boot) {
  // What did not become durable is forgotten by a start, rightly: nobody was told.
  const bool held = boot.record && boot.record->holds.space;
  const bool met_quota = met_quota_ && (held || knows_nothing_);
  const bool knows_nothing = knows_nothing_;
  *this = ProofWatch();
  met_quota_ = met_quota;
  knows_nothing_ = knows_nothing;
  marks_ = boot.marks;
  identity_ = boot.identity;
  blind_ = boot.record && boot.record->holds.blind;
}

void ProofWatch::Forget() {
  streak_.clear();
  settled_ = failed_since_ = false;
  room_taken_.reset();
  after_.clear();
}

bool ProofWatch::IsFull(const SpaceReading& reading) const {
  return reading.available_bytes < marks_.full_bytes + marks_.step_bytes ||
         (reading.counts_inodes && reading.inodes_available < marks_.full_inodes);
}

void ProofWatch::Read(const SpaceReading& reading) {
  if (newest_ && reading.started <= newest_->started) return;
  newest_ = reading;
  ++good_readings_;
  const bool enough = reading.available_bytes >= marks_.resume_bytes &&
                      (!reading.counts_inodes || reading.inodes_available >= marks_.resume_inodes);
  if (!enough) {
    streak_.clear();
    return;
  }
  streak_.push_back({reading.started, reading.available_bytes});
  if (room_taken_ && reading.started >= *room_taken_) after_.push_back(reading.available_bytes);
}

void ProofWatch::Told(const monitor::SpaceEvent& event, base::MonotonicTime now) {
  if (const SpaceReading* reading = ReadingIn(event)) {
    Read(*reading);
  } else if (std::holds_alternative<event::ReadingArrived>(event)) {
    streak_.clear();
    good_readings_ = 0;
  } else if (const auto* failed = std::get_if<event::AllocationFailed>(&event)) {
    streak_.clear();
    failed_since_ = true;
    met_quota_ = met_quota_ || failed->cause == monitor::SpaceCause::kQuota;
  } else if (std::holds_alternative<event::RoomTaken>(event)) {
    room_taken_ = now;
    after_.clear();
  } else if (std::holds_alternative<event::RoomRefused>(event) ||
             std::holds_alternative<event::ReserveLost>(event)) {
    room_taken_.reset();
  } else if (const auto* changed = std::get_if<event::MarksChanged>(&event)) {
    if (changed->marks != marks_) Forget();
    marks_ = changed->marks;
  } else if (std::holds_alternative<event::KnownElsewhere>(event)) {
    knows_nothing_ = false;
  } else if (std::holds_alternative<event::OperatorHolds>(event)) {
    released_ = false;
  } else if (std::holds_alternative<event::OperatorReleases>(event)) {
    released_ = true;
  }
}

std::string ProofWatch::WhyClosed(const monitor::SpaceEvent& event) const {
  if (const SpaceReading* reading = ReadingIn(event)) {
    if (reading->read_only) return "a reading showed it mounted read-only";
    if (identity_ && reading->identity != *identity_) return "a reading was of another disk";
    if (newest_ == *reading && IsFull(*reading)) return "a reading showed it full";
    return "";
  }
  if (const auto* refused = std::get_if<event::NoStepFits>(&event)) {
    const bool full = newest_ && newest_->available_bytes - marks_.full_bytes <
                                     std::min(refused->bytes, marks_.step_bytes);
    return full ? "no step fitted above the full mark" : "";
  }
  if (const auto* failed = std::get_if<event::PersistFailed>(&event)) {
    return failed->unknown_on_disk ? "a verdict could not be written" : "";
  }
  if (std::holds_alternative<event::AllocationFailed>(event)) return "an allocation failed";
  if (std::holds_alternative<event::DeviceFailed>(event)) return "the device failed";
  if (std::holds_alternative<event::ReserveLost>(event)) return "the reserve is gone";
  if (std::holds_alternative<event::OperatorHolds>(event)) return "an operator holds it";
  return "";
}

std::string ProofWatch::RoomAsked(const monitor::action::TakeRoom& room, std::int64_t steps_missing,
                                  std::optional<std::int64_t> left_by_quota) {
  limited_ = left_by_quota.has_value();
  settled_ = streak_.size() >= kReadingsThatSettle &&
             streak_.back().started - streak_.front().started >= kSettle;
  failed_since_ = false;
  streak_.clear();
  room_taken_.reset();
  after_.clear();
  // As many as half of the gap has room for.
  const std::int64_t steps =
      std::min(steps_missing, (marks_.resume_bytes - marks_.full_bytes) / 2 / marks_.step_bytes);
  if (room.steps >= steps) return "";
  return absl::StrFormat("asks for room with %d steps, %d are missing", room.steps, steps);
}

std::string ProofWatch::WhyNotOver(const monitor::VerdictRecord& record,
                                   std::optional<std::int64_t> left_by_quota) const {
  if (!settled_) {
    return "no three readings over the settle time were enough before the room was taken";
  }
  if (!room_taken_) return "the room was not taken";
  if (failed_since_) return "an allocation failed since";
  if (after_.empty()) return "no reading was enough after the room was taken";
  // Of a very large gap a part will do.
  const std::int64_t gap =
      std::min(marks_.resume_bytes - marks_.full_bytes, 64 * marks_.step_bytes);
  if (met_quota_ && !knows_nothing_ && limited_ && left_by_quota.value_or(gap) < gap) {
    return absl::StrFormat("a quota was met, and leaves %d bytes of %d", *left_by_quota, gap);
  }
  const std::int64_t told = record.last_proof ? record.last_proof->bytes_after : -1;
  if (std::ranges::find(after_, told) != after_.end()) return "";
  return absl::StrFormat("its proof names %d bytes, which no reading showed", told);
}

std::string ProofWatch::WhyNotLifted(const monitor::HoldSet& durable,
                                     const monitor::HoldSet& now) const {
  if (durable.operator_hold && !now.operator_hold && !released_) return "no person released it";
  return "";
}

std::string ProofWatch::SaysBlind(bool blind) {
  const bool was = std::exchange(blind_, blind);
  if (blind && !was) good_readings_ = 0;
  const bool sees = good_readings_ >= kReadingsThatSee;
  if (blind || !was || sees) return "";
  return absl::StrFormat("is blind no more after %d readings", good_readings_);
}

}  // namespace tidemark::simulation
