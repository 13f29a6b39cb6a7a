// What is durable about one volume: two pre-allocated 4 KiB slots hold this, overwritten by turns.
//
// Lifetime:  value type, holds no references.
// Threading: none of its own.
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/uuid.h"
#include "monitor/hold_set.h"
#include "monitor/marks.h"
#include "monitor/proof.h"

namespace tidemark::monitor {

struct VerdictRecord {
  base::Uuid volume;
  // 0: fresh from format, never yet opened. Grows by every change of what follows.
  base::Generation generation;
  HoldSet holds;
  Marks marks;               // in force when this was written
  std::string marks_set_by;  // "defaults", "configuration", or who changed them
  base::Episode episode;     // the newest there was; holds.space->episode while one is open
  std::optional<Proof> last_proof;

  // All but the generation: two records that need not both be written.
  bool SameVerdict(const VerdictRecord& other) const {
    return volume == other.volume && holds == other.holds && marks == other.marks &&
           marks_set_by == other.marks_set_by && episode == other.episode &&
           last_proof == other.last_proof;
  }

  bool operator==(const VerdictRecord&) const = default;
};

}  // namespace tidemark::monitor
