#include "daemon/daemon_options.h"

#include "absl/strings/str_format.h"

namespace tidemark::daemon {

void DaemonOptions::BindTo(ConfigSchema& schema, std::uint16_t grpc_port, std::uint16_t http_port) {
  schema.Parsed("listen.grpc", absl::StrFormat("127.0.0.1:%d", grpc_port),
                "host:port of the gRPC services; port 0 takes a free one.", Endpoint::Parse,
                &grpc_listen);
  schema.Parsed("listen.http", absl::StrFormat("127.0.0.1:%d", http_port),
                "host:port of health and metrics; plaintext, read-only.", Endpoint::Parse,
                &http_listen);
  schema.Parsed("log.format", "auto", "auto (text on a terminal, else json), text or json.",
                ParseLogFormat, &log_format);
  schema.Parsed("log.level", "info", "debug, info, warn or error.", ParseLogLevel, &log_level);
  schema.Duration("drain.grace", "20s", "How long SIGTERM may take before work is cut off.",
                  &drain_grace);
  schema.Duration("health.loop_limit", "10s",
                  "Not live when the event loop has not turned for so long.", &loop_limit);
}

}  // namespace tidemark::daemon
