// One day with one fault, what came after it, and whether every promise was kept.
//
//   fresh cluster → day, until the fault stops it → SPU dead → what the fault took is taken
//   → started without a fault: comes back by itself, everything acknowledged is there, takes
//     appends → killed and started once more: all there → the witness is heard
//
// Lifetime:  function; the cluster is used for one run after another.
// Threading: confined to the cluster's worker.
// Errors:    kInternal where the rig itself failed. A broken promise is a finding in the result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/integration/faults/call_names.h"
#include "tests/integration/faults/cluster.h"
#include "tests/integration/faults/fault_kind.h"

namespace tidemark::faults {

struct RunPlan {
  const FaultKind* kind = nullptr;  // nullptr: an undisturbed day
  std::uint64_t from = 0;           // the number of the call it strikes
  std::optional<NamedCall> only;    // or its name
  std::uint64_t seed = 0;
  std::uint64_t stall_ms = 30'000;
  // Killed and started once more after it has come back.
  bool starts_twice = true;
  // A second fault, so many calls after the first; it may strike the start after it.
  const FaultKind* second = nullptr;
  std::uint64_t second_after = 0;

  std::string ToString() const;  // "eio at call 17"
};

struct RunResult {
  bool fired = false;
  bool second_fired = false;
  // Lived to its end, and had no call that far on: not every day is equally long.
  bool beyond_the_end = false;
  std::string struck;          // name of the call, see call_names.h
  std::vector<NamedCall> day;  // of an undisturbed day: all calls
  std::int64_t acknowledged = 0;
  std::int64_t bytes_lost = 0;  // by the power cut or the failed sync
  std::int64_t looks = 0;       // of the witness
  std::string stopped_by;       // empty: the day was lived to its end
  std::vector<std::string> violations;
  std::string near;  // with violations: the calls near the fault, one a line
  std::string log;   // of the SPU, and the end of the SC's
};

absl::StatusOr<RunResult> RunDay(Cluster& cluster, const RunPlan& plan);

}  // namespace tidemark::faults
