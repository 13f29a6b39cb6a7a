// One attempt after another at the proof of reclaim: steps 1 to 6, in their order.
//
// The same machine provisions a fresh volume (no episode, one reading is enough): its room must be
// held, too, before it is opened for the first time. Pure; SpacePolicy owns it and does what it
// wants: a proof is only ever *offered* here, what lifts a hold is that SpacePolicy sees kProven.
//
//   idle ──Begin──► readings ──3 fresh, settled──► taking ──RoomTaken──► after ──► proven
//    ▲                │ short or failed: count again   │                   │          │
//    └────────────────┴──────────── back-off ──────────┴───────────────────┘   Persisted / failed
//
// Lifetime:  value type, holds no references.
// Threading: confined to the owner's loop.
// Errors:    none; what went wrong is in failure().
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "monitor/marks.h"
#include "monitor/proof.h"
#include "monitor/space_event.h"
#include "monitor/space_reading.h"

namespace tidemark::monitor {

// What one attempt has to show.
struct ProofGoal {
  std::optional<SpaceHold> episode;  // none: provisioning
  Marks marks;
  std::int32_t readings = kProofReadings;
  base::Duration settle{0};
  std::int64_t reserve_held_bytes = 0;
  std::int64_t steps_missing = 0;
  std::int64_t steps_held = 0;  // by earlier attempts of this episode
  std::int64_t steps_held_bytes = 0;
  // Readings do not show what is short: take so much more for real, and give it back; and again
  // after another settling, so that it is not a gap between two bites of a neighbour.
  std::int64_t trial_bytes = 0;
};

class ProofAttempt {
 public:
  enum class Phase : std::uint8_t { kIdle, kReadings, kTaking, kAfter, kProven };
  enum class Want : std::uint8_t { kNothing, kReading, kRoom, kPersist };

  static constexpr int kTrials = 2;
  static constexpr base::Duration kBackoffMin = std::chrono::milliseconds(250);
  static constexpr base::Duration kBackoffMax = std::chrono::seconds(10);

  Phase phase() const { return phase_; }
  bool running() const { return phase_ != Phase::kIdle; }
  ProofStep step() const;
  const std::optional<ProofFailure>& failure() const { return failure_; }
  std::uint64_t attempt() const { return attempt_; }
  // From the first reading that counts to the newest: how much of the settle time is over.
  base::Duration settled() const {
    return phase_ == Phase::kReadings && readings_seen_ > 0 ? last_.started - first_.started
                                                            : base::Duration(0);
  }
  std::int32_t readings_seen() const { return readings_seen_; }
  const ProofGoal& goal() const { return goal_; }
  // Idle, and the back-off is over.
  bool MayBegin(base::MonotonicTime now) const {
    return phase_ == Phase::kIdle && now >= next_try_;
  }
  base::MonotonicTime next_try() const { return next_try_; }

  void Begin(const ProofGoal& goal, base::MonotonicTime now);
  // A valid reading of the right filesystem, newer than all before.
  Want OnReading(const SpaceReading& reading, base::MonotonicTime now);
  // A reading that failed: those counted so far are no longer consecutive.
  void OnReadingFault(const ReadingFault& fault);
  Want OnRoomTaken(const event::RoomTaken& taken, base::MonotonicTime now);
  void OnRoomRefused(const event::RoomRefused& refused, base::MonotonicTime now);
  // Readings may go on for days before the room is taken: what is wanted of it changes meanwhile.
  void SetStepsMissing(std::int64_t steps) {
    if (phase_ == Phase::kReadings) goal_.steps_missing = steps;
  }
  void SetTrialBytes(std::int64_t bytes) {
    if (phase_ == Phase::kReadings) goal_.trial_bytes = bytes;
  }
  // ENOSPC or EDQUOT anywhere on the volume.
  void OnSpaceError() { space_error_ = true; }
  void OnPersisted();
  // Keeps the hold, waits for the back-off.
  void Fail(ProofStep step, std::string reason, base::MonotonicTime now,
            std::int64_t bytes_short = 0, std::int64_t inodes_short = 0);
  // Something else decides now (another hold, other marks): back to idle, no back-off.
  void Abort();
  // A new episode: what went wrong in earlier ones is of no interest.
  void Forget();

  // What the next step 3 takes, in bytes and inodes; 0 when it all is held.
  std::int64_t bytes_to_take() const;
  std::int64_t inodes_to_take() const;
  std::int64_t steps_to_take() const;
  // What step 3 must be able to take at one time: what it keeps, and the trial.
  std::int64_t bytes_to_show() const { return bytes_to_take() + goal_.trial_bytes; }

  // Only in kProven. What the policy knows besides (before, freed, wall) it fills in.
  Proof MakeProof(base::MonotonicTime now) const;

 private:
  Want JudgeReadings(const SpaceReading& reading, base::MonotonicTime now);
  void SettleAgain(const event::RoomTaken& taken, base::MonotonicTime now);
  Want JudgeAfter(const SpaceReading& reading, base::MonotonicTime now);

  ProofGoal goal_;
  Phase phase_ = Phase::kIdle;
  std::uint64_t attempt_ = 0;
  std::optional<ProofFailure> failure_;
  base::MonotonicTime next_try_;
  base::Duration backoff_ = kBackoffMin;
  base::MonotonicTime began_;
  int trials_passed_ = 0;     // of this attempt, which wants kTrials
  bool space_error_ = false;  // since step 2 began
  std::int32_t readings_seen_ = 0;
  SpaceReading first_;
  SpaceReading last_;
  base::MonotonicTime taking_began_;
  base::MonotonicTime taken_at_;
  event::RoomTaken room_;
  SpaceReading after_;
};

}  // namespace tidemark::monitor
