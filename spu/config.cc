#include "spu/config.h"

#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace tidemark::spu {
namespace {

using Default = std::optional<std::string>;

void BindVolume(daemon::ConfigSchema& row, VolumeConfig& volume) {
  row.Text("path", std::nullopt, "Directory made by `tidemark-spu format`.", &volume.path);
  row.Size("full", "", "Stop accepting below this much free space.", &volume.full);
  row.Size("resume", "", "Accept again only from here on, after a proof.", &volume.resume);
  row.Size("low", "", "Warn, and reclaim what policy allows, below this.", &volume.low);
  row.Size("reserve", "", "Held back, allocated, as evidence.", &volume.reserve);
  row.Size("step", "", "Space a partition takes at a time.", &volume.step);
  row.Size("segment", "", "Size at which a segment is closed.", &volume.segment);
}

bool IsLoopback(const std::string& address) {
  return address.starts_with("127.") || address.starts_with("localhost:") ||
         address.starts_with("[::1]:");
}

}  // namespace

void BindConfig(daemon::ConfigSchema& schema, Config& config) {
  schema.Text("id", "spu-1", "Name of this SPU, unique in the cluster.", &config.id);
  schema.Text("state", "/var/lib/tidemark/spu", "Small directory for this SPU's identity.",
              &config.state_directory);
  schema.Text("sc", "127.0.0.1:7101", "Where the controller listens.", &config.sc);
  schema.Text("listen.grpc", "127.0.0.1:7201", "Where producers and consumers connect.",
              &config.grpc_listen);
  schema.Text("listen.http", "127.0.0.1:7202", "Health, metrics and status.", &config.http_listen);
  schema.Text("listen.advertise", "", "Address told to clients, when not the one listened on.",
              &config.advertise);
  schema.Bool("insecure", "false", "Allow listening beyond loopback without TLS.",
              &config.insecure);
  schema.TableArray(
      "volume", "path", "A directory to keep partitions in.",
      [&config](daemon::ConfigSchema& row) { BindVolume(row, config.volumes.emplace_back()); });
  schema.Bytes("limits.batch", "1MiB", "Largest batch accepted.", &config.batch_bytes_max);
  schema.Bytes("limits.commit_queue", "64MiB", "Bytes that may wait for one volume's commits.",
               &config.commit_queue_bytes_max);
  schema.Duration("space.reading_deadline", "1s", "A reading that takes longer counts as none.",
                  &config.reading_deadline);
  schema.Duration("space.settle", "2s", "How long readings must stay above resume.",
                  &config.settle);
  schema.Duration("retention.interval", "10s", "How often expired segments are looked for.",
                  &config.retention_interval);
  schema.Duration("drain", "20s", "How long a stop may wait for running calls.", &config.drain);
  schema.Duration("health.loop_stuck_after", "10s", "Liveness fails when the loop stood that long.",
                  &config.loop_stuck_after);
  schema.Choice("log.level", "info", "Least severe event logged.",
                {"debug", "info", "warn", "error"}, &config.log_level);
  schema.Choice("log.format", "auto", "auto: text on a terminal, json otherwise.",
                {"auto", "text", "json"}, &config.log_format);
}

absl::Status CheckConfig(const Config& config) {
  std::vector<std::string> problems;
  if (config.id.empty()) problems.push_back("id is empty");
  if (config.volumes.empty()) {
    problems.push_back("no volume is configured: add [[volume]] path = \"…\"");
  }
  std::set<std::string> paths;
  for (const VolumeConfig& volume : config.volumes) {
    if (!volume.path.starts_with('/')) {
      problems.push_back(absl::StrFormat("volume path '%s' is not absolute", volume.path));
    }
    if (!paths.insert(volume.path).second) {
      problems.push_back(absl::StrFormat("volume path '%s' is given twice", volume.path));
    }
  }
  // The health port is exempt: it is read-only, and a kubelet cannot do TLS.
  if (!config.insecure && !IsLoopback(config.grpc_listen)) {
    problems.push_back(absl::StrFormat(
        "listen.grpc '%s' is not loopback and there is no TLS: say insecure = true to allow it",
        config.grpc_listen));
  }
  if (config.batch_bytes_max < 1024) {
    problems.push_back(
        absl::StrFormat("limits.batch is %d bytes, want at least 1 KiB", config.batch_bytes_max));
  }
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

}  // namespace tidemark::spu
