// All cycles of one case, on one disk and one cluster after another.
//
// Threading: confined.
// Errors:    kUnimplemented with the reason where this machine cannot; broken promises are in the
//            tally, and end the case.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "base/clock.h"
#include "tests/integration/disks/disk_case.h"
#include "tests/integration/disks/tally.h"

namespace tidemark::disks {

struct CaseOptions {
  int cycles = 5;
  int reconnects = 0;       // in all cycles together, at least
  int reconnects_each = 0;  // in each cycle, at least
  std::uint64_t seed = 1;
  std::optional<base::MonotonicTime> until;  // only the first cycle begins after it
  std::function<void(std::string_view)> progress;
};

absl::Status RunCase(const DiskCase& disk_case, const CaseOptions& options, Tally& tally);

}  // namespace tidemark::disks
