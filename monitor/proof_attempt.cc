#include "monitor/proof_attempt.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/check.h"

namespace tidemark::monitor {
namespace {

std::int64_t Short(std::int64_t wanted, std::int64_t there) {
  return std::max<std::int64_t>(0, wanted - there);
}

// What a reading lacks to a mark, in bytes and inodes.
struct Lack {
  std::int64_t bytes = 0;
  std::int64_t inodes = 0;
  bool none() const { return bytes == 0 && inodes == 0; }
};

Lack LackOf(const SpaceReading& reading, std::int64_t bytes, std::int64_t inodes) {
  return {Short(bytes + reading.below_zero_bytes, reading.available_bytes),
          reading.counts_inodes ? Short(inodes, reading.inodes_available) : 0};
}

}  // namespace

ProofStep ProofAttempt::step() const {
  switch (phase_) {
    case Phase::kIdle:
      return failure_ ? failure_->step : ProofStep::kIdentity;
    case Phase::kReadings:
      return ProofStep::kReadings;
    case Phase::kTaking:
      return ProofStep::kTakeRoom;
    case Phase::kAfter:
      return ProofStep::kReadingAfter;
    case Phase::kProven:
      return ProofStep::kPersist;
  }
  return ProofStep::kIdentity;
}

std::int64_t ProofAttempt::steps_to_take() const {
  // Half the gap at most: the other half is what keeps us above full afterwards.
  if (goal_.marks.step_bytes <= 0) return 0;
  return std::min(goal_.steps_missing, goal_.marks.gap_bytes() / 2 / goal_.marks.step_bytes);
}

std::int64_t ProofAttempt::bytes_to_take() const {
  return Short(goal_.marks.reserve_bytes, goal_.reserve_held_bytes) +
         steps_to_take() * goal_.marks.step_bytes;
}

std::int64_t ProofAttempt::inodes_to_take() const {
  // A step may need a new segment: its file and its index; the reserve is one file.
  return 2 * steps_to_take() + (goal_.reserve_held_bytes < goal_.marks.reserve_bytes ? 1 : 0) +
         (goal_.trial_bytes > 0 ? 1 : 0);
}

void ProofAttempt::Begin(const ProofGoal& goal, base::MonotonicTime now) {
  TM_CHECK(phase_ == Phase::kIdle);
  goal_ = goal;
  phase_ = Phase::kReadings;
  trials_passed_ = 0;
  ++attempt_;
  began_ = now;
  readings_seen_ = 0;
  space_error_ = false;
}

ProofAttempt::Want ProofAttempt::OnReading(const SpaceReading& reading, base::MonotonicTime now) {
  switch (phase_) {
    case Phase::kReadings:
      return JudgeReadings(reading, now);
    case Phase::kAfter:
      return JudgeAfter(reading, now);
    case Phase::kIdle:
    case Phase::kTaking:
    case Phase::kProven:
      return Want::kNothing;
  }
  return Want::kNothing;
}

ProofAttempt::Want ProofAttempt::JudgeReadings(const SpaceReading& reading,
                                               base::MonotonicTime now) {
  if (reading.started < began_) return Want::kNothing;  // asked for before this attempt
  const Lack lack = LackOf(reading, goal_.marks.resume_bytes + bytes_to_take(),
                           goal_.marks.resume_inodes + inodes_to_take());
  if (!lack.none()) {
    // Not a failure that needs a back-off: look on, and count from the beginning.
    readings_seen_ = 0;
    space_error_ = false;
    failure_ = ProofFailure{
        ProofStep::kReadings,
        lack.bytes > 0
            ? absl::StrFormat("%s available, resume mark %s and %s of working room wanted",
                              base::FormatByteSize(reading.available_bytes),
                              base::FormatByteSize(goal_.marks.resume_bytes),
                              base::FormatByteSize(bytes_to_take()))
            : absl::StrFormat("%d inodes available, resume mark %d and %d for working room wanted",
                              reading.inodes_available, goal_.marks.resume_inodes,
                              inodes_to_take()),
        lack.bytes, lack.inodes, now};
    return Want::kNothing;
  }
  // What an earlier reading lacked is there: nobody must be told to free it.
  const bool by_reading = failure_ && (failure_->step == ProofStep::kReadings ||
                                       failure_->step == ProofStep::kReadingAfter);
  if (by_reading) failure_.reset();
  if (readings_seen_ == 0) {
    first_ = reading;
    space_error_ = false;  // step 2 begins with the first reading that counts
  }
  last_ = reading;
  ++readings_seen_;
  if (readings_seen_ < goal_.readings || last_.started - first_.started < goal_.settle) {
    return Want::kNothing;
  }
  phase_ = Phase::kTaking;
  taking_began_ = now;
  return Want::kRoom;
}

void ProofAttempt::OnReadingFault(const ReadingFault& fault) {
  if (phase_ != Phase::kReadings) return;
  readings_seen_ = 0;
  failure_ = ProofFailure{ProofStep::kReadings,
                          absl::StrFormat("%s: %s", ReadingFaultName(fault.kind), fault.detail), 0,
                          0, began_};
}

ProofAttempt::Want ProofAttempt::OnRoomTaken(const event::RoomTaken& taken,
                                             base::MonotonicTime now) {
  if (phase_ != Phase::kTaking || taken.attempt != attempt_) return Want::kNothing;
  room_ = taken;
  taken_at_ = now;
  if (taken.reserve_bytes < goal_.marks.reserve_bytes) {
    Fail(ProofStep::kTakeRoom,
         absl::StrFormat("reserve has %d of %d bytes", taken.reserve_bytes,
                         goal_.marks.reserve_bytes),
         now, goal_.marks.reserve_bytes - taken.reserve_bytes);
    return Want::kNothing;
  }
  if (goal_.trial_bytes > 0 && ++trials_passed_ < kTrials) {
    SettleAgain(taken, now);
    return Want::kNothing;
  }
  phase_ = Phase::kAfter;
  return Want::kReading;
}

// What was taken is kept, and is no longer wanted of the next taking.
void ProofAttempt::SettleAgain(const event::RoomTaken& taken, base::MonotonicTime now) {
  phase_ = Phase::kReadings;
  began_ = now;
  readings_seen_ = 0;
  goal_.reserve_held_bytes = taken.reserve_bytes;
  goal_.steps_held += taken.steps;
  goal_.steps_held_bytes += taken.steps_bytes;
  goal_.steps_missing = std::max<std::int64_t>(0, goal_.steps_missing - taken.steps);
}

void ProofAttempt::OnRoomRefused(const event::RoomRefused& refused, base::MonotonicTime now) {
  if (phase_ != Phase::kTaking || refused.attempt != attempt_) return;
  const std::int64_t got =
      std::max<std::int64_t>(0, refused.reserve_bytes - goal_.reserve_held_bytes) +
      refused.steps_bytes;
  const std::int64_t short_bytes = refused.out_of_space ? Short(bytes_to_show(), got) : 0;
  Fail(ProofStep::kTakeRoom, refused.detail, now, short_bytes);
}

ProofAttempt::Want ProofAttempt::JudgeAfter(const SpaceReading& reading, base::MonotonicTime now) {
  // Begun before the room was held: it may not show it.
  if (reading.started < taken_at_) return Want::kReading;
  const Lack lack = LackOf(reading, goal_.marks.resume_bytes, goal_.marks.resume_inodes);
  if (!lack.none()) {
    Fail(ProofStep::kReadingAfter,
         absl::StrFormat("after taking the room %s and %d inodes are available, resume marks %s "
                         "and %d",
                         base::FormatByteSize(reading.available_bytes), reading.inodes_available,
                         base::FormatByteSize(goal_.marks.resume_bytes), goal_.marks.resume_inodes),
         now, lack.bytes, lack.inodes);
    return Want::kNothing;
  }
  if (space_error_) {
    Fail(ProofStep::kNoNewError, "an allocation met ENOSPC or EDQUOT while proving", now);
    return Want::kNothing;
  }
  after_ = reading;
  phase_ = Phase::kProven;
  return Want::kPersist;
}

void ProofAttempt::OnPersisted() { Forget(); }

void ProofAttempt::Fail(ProofStep step, std::string reason, base::MonotonicTime now,
                        std::int64_t bytes_short, std::int64_t inodes_short) {
  phase_ = Phase::kIdle;
  next_try_ = now + backoff_;
  failure_ = ProofFailure{step, std::move(reason), bytes_short, inodes_short, next_try_};
  backoff_ = std::min(backoff_ * 2, kBackoffMax);
}

void ProofAttempt::Abort() { phase_ = Phase::kIdle; }

void ProofAttempt::Forget() {
  phase_ = Phase::kIdle;
  failure_.reset();
  next_try_ = base::MonotonicTime();
  backoff_ = kBackoffMin;
  readings_seen_ = 0;
}

Proof ProofAttempt::MakeProof(base::MonotonicTime now) const {
  TM_CHECK(phase_ == Phase::kProven);
  Proof proof;
  if (goal_.episode) {
    proof.episode = goal_.episode->episode;
    proof.cause = goal_.episode->cause;
  }
  proof.marks = goal_.marks;
  proof.bytes_before = first_.available_bytes;
  proof.bytes_after = after_.available_bytes;
  proof.inodes_before = first_.inodes_available;
  proof.inodes_after = after_.inodes_available;
  proof.counts_inodes = after_.counts_inodes;
  proof.steps_taken = goal_.steps_held + room_.steps;
  proof.steps_bytes = goal_.steps_held_bytes + room_.steps_bytes;
  proof.reserve_bytes = room_.reserve_bytes;
  proof.file_system = FileSystemTypeName(after_.type_magic);
  proof.settle = last_.started - first_.started;
  proof.readings = readings_seen_;
  proof.reading_age_max = now - after_.started;
  proof.taking = taken_at_ - taking_began_;
  return proof;
}

}  // namespace tidemark::monitor
