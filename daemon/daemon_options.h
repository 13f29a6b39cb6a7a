// The configuration keys both daemons have.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "daemon/config_schema.h"
#include "daemon/loop/endpoint.h"
#include "daemon/stderr_log_sink.h"

namespace tidemark::daemon {

struct DaemonOptions {
  Endpoint grpc_listen;
  Endpoint http_listen;
  LogFormat log_format = LogFormat::kAuto;
  LogLevel log_level = LogLevel::kInfo;
  base::Duration drain_grace{};
  base::Duration loop_limit{};

  // listen.grpc, listen.http, log.format, log.level, drain.grace, health.loop_limit.
  void BindTo(ConfigSchema& schema, std::uint16_t grpc_port, std::uint16_t http_port);
};

}  // namespace tidemark::daemon
