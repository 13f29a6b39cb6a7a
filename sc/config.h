// What an operator may set of the controller.
//
// Errors: CheckOptions() → kInvalidArgument with the values that contradict each other.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "daemon/config_schema.h"

namespace tidemark::sc {

struct ScOptions {
  std::string data_directory;
  std::string grpc_listen;
  std::string http_listen;
  bool insecure = false;
  base::Duration lease{};
  base::Duration heartbeat{};
  std::int64_t reserve_bytes = 0;
  std::int64_t events = 0;
  std::string log_level;
  std::string log_format;
  base::Duration drain{};
};

// Binds every key to `options`, which must outlive the schema.
daemon::ConfigSchema BindOptions(ScOptions& options);

// What one key alone cannot tell: addresses, lease against heartbeat, plaintext beyond loopback.
absl::Status CheckOptions(const ScOptions& options);

}  // namespace tidemark::sc
