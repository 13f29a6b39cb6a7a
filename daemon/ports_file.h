// The ports a daemon really got, for whoever started it with port 0.
//
// Errors: WritePortsFile() → the errno of the step that failed.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tidemark::daemon {

// {"grpc":7201,"http":7202}, replaced in one step: a reader sees all of it or nothing.
absl::Status WritePortsFile(const std::string& path,
                            const std::map<std::string, std::uint16_t>& ports);

}  // namespace tidemark::daemon
