// One step of a cycle: how long it took goes into the tally, where it failed into the error.
#pragma once

#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "tests/integration/disks/tally.h"

namespace tidemark::disks {

// Counts `ms_NAME`; an error begins with `NAME:`.
absl::Status TakeStep(std::string_view name, Tally& tally, absl::FunctionRef<absl::Status()> step);

// kInternal with `what` unless `condition`.
absl::Status Expect(bool condition, std::string_view what);

}  // namespace tidemark::disks
