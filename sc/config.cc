#include "sc/config.h"

#include <chrono>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"

namespace tidemark::sc {
namespace {

constexpr std::uint16_t kGrpcPort = 7101;
constexpr std::uint16_t kHttpPort = 7102;
constexpr base::Duration kShortestHeartbeat = std::chrono::milliseconds(20);

}  // namespace

daemon::ConfigSchema BindOptions(ScOptions& options) {
  daemon::ConfigSchema schema;
  options.daemon.BindTo(schema, kGrpcPort, kHttpPort);
  schema.Bool("insecure", "false", "Allow plaintext gRPC on an address that is not loopback.",
              &options.insecure);
  schema.Bool("allow_root", "false",
              "Run as root, who may use the blocks the filesystem keeps back from others.",
              &options.allow_root);
  schema.Text("data_dir", "/var/lib/tidemark-sc", "Directory of the controller's own state.",
              &options.data_directory);
  schema.Duration("lease", "3s", "An SPU that is silent this long is no longer reachable.",
                  &options.lease);
  schema.Duration("heartbeat", "1s", "How often each side says that it is there.",
                  &options.heartbeat);
  schema.Bytes("store.reserve", "16MiB",
               "Space held beside the database, to go on recording when the disk is full.",
               &options.reserve_bytes);
  schema.Integer("store.events", "100000", "Newest events kept in the history.", 100, 10'000'000,
                 &options.events);
  return schema;
}

absl::Status CheckOptions(const ScOptions& options) {
  if (!options.insecure && !options.daemon.grpc_listen.IsLoopback()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "listen.grpc = %s refused: it is not loopback and there is no TLS; say --insecure true if "
        "that network is yours",
        options.daemon.grpc_listen.ToString()));
  }
  if (options.heartbeat < kShortestHeartbeat || options.lease < 2 * options.heartbeat) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "lease = %s, heartbeat = %s refused: a heartbeat is at least %s, a lease at least two "
        "heartbeats",
        base::FormatDuration(options.lease), base::FormatDuration(options.heartbeat),
        base::FormatDuration(kShortestHeartbeat)));
  }
  if (options.reserve_bytes < 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("store.reserve = %d refused: it is negative", options.reserve_bytes));
  }
  return absl::OkStatus();
}

}  // namespace tidemark::sc
