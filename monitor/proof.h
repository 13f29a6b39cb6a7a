// The proof of reclaim: what was measured and taken when an episode ended, and where the attempt
// at one stands.
//
// Lifetime:  value types, hold no references.
// Threading: none of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "monitor/hold_set.h"
#include "monitor/marks.h"

namespace tidemark::monitor {

// In their order. Values are on the wire: never renumber.
enum class ProofStep : std::uint8_t {
  kIdentity = 1,      // same filesystem, mounted read-write
  kReadings = 2,      // fresh readings over the settle time, above resume + what step 3 takes
  kTakeRoom = 3,      // working room and reserve really allocated, synced, read back, kept
  kReadingAfter = 4,  // a reading begun after that is still at or above resume
  kNoNewError = 5,    // no ENOSPC or EDQUOT since step 2 began
  kPersist = 6,       // the record without the hold is durable, with the proof in it
};
std::string_view ProofStepName(ProofStep step);  // "take room"

// Fewest readings of step 2.
inline constexpr std::int32_t kProofReadings = 3;

struct Proof {
  base::Episode episode;
  SpaceCause cause = SpaceCause::kBytes;
  Marks marks;  // those it satisfies
  // Available when the episode began (0 if it began without a reading) and in the reading after.
  std::int64_t bytes_before = 0;
  std::int64_t bytes_after = 0;
  std::int64_t inodes_before = 0;
  std::int64_t inodes_after = 0;
  bool counts_inodes = false;
  // Sum of st_blocks × 512 of what we unlinked during the episode, and what became visible of it.
  std::int64_t freed_by_us_bytes = 0;
  std::int64_t observed_gain_bytes = 0;
  // Working room: really allocated and kept.
  std::int64_t steps_taken = 0;
  std::int64_t steps_bytes = 0;
  std::int64_t reserve_bytes = 0;
  std::string file_system;
  base::Duration settle{0};  // from the first to the last reading of step 2
  std::int32_t readings = 0;
  base::Duration reading_age_max{
      0};                    // of the reading after, when the record was handed to the disk
  base::Duration taking{0};  // how long step 3 took
  base::WallMillis at_wall = 0;

  bool operator==(const Proof&) const = default;
};

// Empty if the numbers of the proof satisfy its own marks, else what is wrong with it.
std::string FindProofDefect(const Proof& proof);

// Under half of what we freed became visible: something holds the space (deleted but open,
// snapshot, reflink).
bool LooksPinned(std::int64_t freed_by_us_bytes, std::int64_t observed_gain_bytes);

// Why the last attempt ended.
struct ProofFailure {
  ProofStep step = ProofStep::kIdentity;
  std::string reason;
  std::int64_t bytes_short = 0;
  std::int64_t inodes_short = 0;
  base::MonotonicTime next_try;

  bool operator==(const ProofFailure&) const = default;
};

}  // namespace tidemark::monitor
