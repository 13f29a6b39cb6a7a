// Asks the standard health service of a daemon, as grpc_health_probe does.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace tidemark::client {

// The exit codes of grpc_health_probe.
enum class HealthAnswer : int {
  kServing = 0,
  kBadArguments = 1,
  kNotConnected = 2,
  kCallFailed = 3,  // also: the server does not know the service
  kNotServing = 4,
};

struct HealthProbe {
  HealthAnswer answer = HealthAnswer::kCallFailed;
  std::string detail;  // "SERVING", or why not
};

// Waits up to `connect_deadline` for the connection and `call_deadline` for the answer.
HealthProbe ProbeHealth(const std::string& endpoint, const std::string& service,
                        base::Duration connect_deadline, base::Duration call_deadline);

}  // namespace tidemark::client
