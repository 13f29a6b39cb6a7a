// What an operator may set of the controller.
//
// Errors: CheckOptions() → kInvalidArgument with the values that contradict each other.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "daemon/config_schema.h"
#include "daemon/daemon_options.h"

namespace tidemark::sc {

struct ScOptions {
  daemon::DaemonOptions daemon;
  bool insecure = false;
  bool allow_root = false;
  std::string data_directory;
  base::Duration lease{};
  base::Duration heartbeat{};
  std::int64_t reserve_bytes = 0;
  std::int64_t events = 0;
};

// Binds every key to `options`, which must outlive the schema and not move.
daemon::ConfigSchema BindOptions(ScOptions& options);

// What one key alone cannot tell: lease against heartbeat, plaintext beyond loopback.
absl::Status CheckOptions(const ScOptions& options);

}  // namespace tidemark::sc
