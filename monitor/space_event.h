// What can happen to a volume, as SpacePolicy is told.
//
// Lifetime:  value types, hold no references.
// Threading: none of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/ids.h"
#include "base/uuid.h"
#include "monitor/errno_verdict.h"
#include "monitor/hold_set.h"
#include "monitor/marks.h"
#include "monitor/space_reading.h"
#include "monitor/verdict_record.h"

namespace tidemark::monitor {

// The moment of an event. The wall clock is for people's eyes and decides nothing.
struct Instant {
  base::MonotonicTime now;
  base::WallMillis wall = 0;
};

// What the disk says of the past, before anything else. Not an event: SpacePolicy is made from it.
struct BootState {
  base::Uuid volume;
  // The newest readable record; none if no slot could be read.
  std::optional<VerdictRecord> record;
  // A slot could not be read: it may have held something newer than `record`.
  bool slot_unreadable = false;
  // Recovery has checked what is really on the disk: lifts a device hold of an earlier boot.
  bool recovery_verified = false;
  // Of the filesystem whose marker was read. Without it the first reading is believed.
  std::optional<VolumeIdentity> identity;
  Marks marks;  // to be in force, validated
  std::string marks_set_by;
};

namespace event {

// The answer to TakeReading. One that took longer than the deadline is no reading.
struct ReadingArrived {
  ReadingOutcome outcome;
};
// NextWake() has come (or any other time; then it does nothing).
struct Tick {};
// ENOSPC or EDQUOT at an allocation.
struct AllocationFailed {
  SpaceCause cause = SpaceCause::kBytes;
  std::string detail;
};
// Request() refused an allocation that somebody needs in order to go on.
struct NoStepFits {
  std::int64_t bytes = 0;
  std::int64_t inodes = 0;
};
// A sync or a journal write failed, EIO, EROFS, …, another volume or none under the path.
struct DeviceFailed {
  DeviceCause cause = DeviceCause::kIoError;
  std::string detail;
};
// The reserve was used, or is not what it was.
struct ReserveLost {
  std::string detail;
};
struct MarksChanged {
  Marks marks;  // validated
  std::string who;
};
struct OperatorHolds {
  std::string who;
  std::string why;
};
struct OperatorReleases {
  std::string who;
};
// Answers to Persist.
struct Persisted {
  base::Generation generation;
};
struct PersistFailed {
  base::Generation generation;
  std::string detail;
  // True as soon as a write was begun. False: refused before it (out of descriptors), try again.
  bool unknown_on_disk = true;
};
// Answer to VerifyRoom: what of the working room is really there after a start.
struct RoomVerified {
  bool intact = false;             // reserve and the steps of all partitions, read and allocated
  std::int64_t reserve_bytes = 0;  // held, really allocated
  std::string detail;              // what is wrong if not intact
};
// Answers to TakeRoom, with what is held in the end.
struct RoomTaken {
  std::uint64_t attempt = 0;
  std::int64_t reserve_bytes = 0;  // in total
  std::int64_t steps = 0;          // taken in this attempt
  std::int64_t steps_bytes = 0;    // taken in this attempt
};
struct RoomRefused {
  std::uint64_t attempt = 0;
  std::string detail;
  std::int64_t reserve_bytes = 0;  // still held, in total
  std::int64_t steps = 0;          // taken in this attempt and kept
  std::int64_t steps_bytes = 0;
  bool out_of_space = false;  // ENOSPC or EDQUOT
};
// How many partitions had a step and hold none now: what a proof takes again.
struct StepsMissing {
  std::int64_t steps = 0;
};
// We unlinked or truncated: st_blocks × 512 given back.
struct SpaceFreed {
  std::int64_t bytes = 0;
};
// The reclaim that StartReclaim asked for has come to its end; or one that a person asked for.
struct ReclaimEnded {
  bool needs_operator = false;  // policy allows no more, or it brings nothing
  std::int64_t freed_bytes = 0;
};
// A roll, a mount change, a person: look at once.
struct PollNow {};
// Welcome shows a generation above ours, or ours with another content, or an episode we never had:
// we were wiped, restored or rolled back.
struct KnownElsewhere {
  base::Generation generation;
  base::Episode episode;  // 0 if not told
};
// The SC does not accept the proof in our report of this generation.
struct ProofRefused {
  base::Generation generation;
  std::string reason;
};

}  // namespace event

using SpaceEvent =
    std::variant<event::ReadingArrived, event::Tick, event::AllocationFailed, event::NoStepFits,
                 event::DeviceFailed, event::ReserveLost, event::MarksChanged, event::OperatorHolds,
                 event::OperatorReleases, event::Persisted, event::PersistFailed,
                 event::RoomVerified, event::RoomTaken, event::RoomRefused, event::StepsMissing,
                 event::SpaceFreed, event::ReclaimEnded, event::PollNow, event::KnownElsewhere,
                 event::ProofRefused>;

}  // namespace tidemark::monitor
