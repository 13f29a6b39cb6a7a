#include "sc/config.h"

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/status_macros.h"
#include "daemon/loop/endpoint.h"

namespace tidemark::sc {

daemon::ConfigSchema BindOptions(ScOptions& options) {
  daemon::ConfigSchema schema;
  schema.Text("data_dir", "/var/lib/tidemark-sc", "Directory of the controller's own state.",
              &options.data_directory);
  schema.Text("listen.grpc", "127.0.0.1:7101", "Where SPUs and clients connect.",
              &options.grpc_listen);
  schema.Text("listen.http", "127.0.0.1:7102", "Health and metrics, plaintext, read-only.",
              &options.http_listen);
  schema.Bool("insecure", "false", "Allow plaintext gRPC on an address that is not loopback.",
              &options.insecure);
  schema.Duration("lease", "3s", "An SPU that is silent this long is no longer reachable.",
                  &options.lease);
  schema.Duration("heartbeat", "1s", "How often each side says that it is there.",
                  &options.heartbeat);
  schema.Bytes("store.reserve", "16MiB",
               "Space held beside the database, to go on recording when the disk is full.",
               &options.reserve_bytes);
  schema.Integer("store.events", "100000", "Newest events kept in the history.", 100, 10'000'000,
                 &options.events);
  schema.Choice("log.level", "info", "Least level that is logged.",
                {"debug", "info", "warn", "error"}, &options.log_level);
  schema.Choice("log.format", "text", "For people or for machines.", {"text", "json"},
                &options.log_format);
  schema.Duration("drain", "5s", "How long running calls may take to end after SIGTERM.",
                  &options.drain);
  return schema;
}

absl::Status CheckOptions(const ScOptions& options) {
  TM_ASSIGN_OR_RETURN(const auto grpc, daemon::Endpoint::Parse(options.grpc_listen));
  TM_RETURN_IF_ERROR(daemon::Endpoint::Parse(options.http_listen).status());
  if (!options.insecure && !grpc.IsLoopback()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "listen.grpc = %s refused: it is not loopback and there is no TLS; say --insecure if this "
        "network is yours",
        options.grpc_listen));
  }
  if (options.heartbeat <= base::Duration::zero() || options.lease < 2 * options.heartbeat) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "lease = %s, heartbeat = %s refused: a lease is at least two heartbeats",
        base::FormatDuration(options.lease), base::FormatDuration(options.heartbeat)));
  }
  if (options.reserve_bytes < 0) {
    return absl::InvalidArgumentError("store.reserve refused: it is negative");
  }
  return absl::OkStatus();
}

}  // namespace tidemark::sc
