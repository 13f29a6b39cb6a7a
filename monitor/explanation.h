// Why a volume is not Ready, in numbers: what `volume explain` and `volume list` show.
//
// Lifetime:  value type, holds no references.
// Threading: none of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "monitor/hold_set.h"
#include "monitor/proof.h"
#include "monitor/space_level.h"
#include "monitor/space_reading.h"
#include "monitor/verdict_record.h"
#include "monitor/write_budget.h"

namespace tidemark::monitor {

struct OperatorRelease {
  std::string who;
  base::WallMillis at_wall = 0;
};

struct Explanation {
  VerdictRecord record;                    // durable
  HoldSet wanted;                          // decided, perhaps not durable yet
  std::optional<DeviceHold> device_fault;  // of this boot
  bool gate_open = false;
  bool provisioning = false;  // fresh: never yet opened
  bool room_held = false;
  std::string summary;  // one sentence: the first thing that keeps the gate closed
  // What began the open episode: the reading, or the call that failed. Not durable.
  std::string episode_began;
  std::string marks_set_by;
  std::optional<OperatorRelease> released;  // the last one, since the start

  std::optional<SpaceReading> reading;        // newest valid one
  std::optional<ReadingFault> reading_fault;  // of the newest answer, if it was none
  std::optional<SpaceLevel> level;
  BudgetSnapshot budget;
  double fill_bytes_per_second = 0;
  std::optional<base::Duration> time_to_full;

  bool proof_running = false;
  ProofStep proof_step = ProofStep::kIdentity;  // in progress, or where the last attempt ended
  std::optional<ProofFailure> proof_failure;    // of the last attempt
  std::int64_t proof_attempts = 0;
  std::int32_t proof_readings_seen = 0;
  std::int32_t proof_readings_wanted = 0;
  base::Duration settled{0};  // of it, by the attempt under way
  base::Duration settle{0};

  std::int64_t reserve_held_bytes = 0;
  std::int64_t freed_by_us_bytes = 0;  // in this episode
  std::int64_t observed_gain_bytes = 0;
  bool pinned = false;
  bool reclaim_running = false;
  bool reclaim_needs_operator = false;
  std::int64_t reclaim_bytes_short = 0;
};

}  // namespace tidemark::monitor
