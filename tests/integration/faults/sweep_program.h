// tidemark-faults as the tests call it: it does the work, in many processes.
//
// Threading: blocks.
// Errors:    kUnimplemented with the reason where this machine cannot mount;
//            kInternal with all that was found, or what is void.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace tidemark::faults {

// Every call of the day for each of the kinds, or every `stride`-th. Returns the summary.
absl::StatusOr<std::string> RunSweepProgram(const std::string& kinds, int stride = 1);

}  // namespace tidemark::faults
