#include "spu/config.h"

#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "daemon/control/names.h"

namespace tidemark::spu {
namespace {

constexpr std::uint16_t kGrpcPort = 7201;
constexpr std::uint16_t kHttpPort = 7202;
// libuv's pool has 1024 threads at most: 16 for each volume, and 16 for the rest.
constexpr std::size_t kVolumesMax = 63;
constexpr std::int64_t kSmallestBatch = 1024;
// A gRPC message is 4 MiB at most, with its envelope.
constexpr std::int64_t kLargestBatch = 4 * base::kMiB - 64 * base::kKiB;

void BindVolume(daemon::ConfigSchema& row, VolumeConfig& volume) {
  monitor::MarksOverrides& marks = volume.marks;
  row.Text("path", std::nullopt, "Directory made by `tidemark-spu format`.", &volume.path);
  row.Size("full", "", "Stop accepting below this much available space.", &marks.full);
  row.Size("resume", "", "Accept again only from here on, after a proof.", &marks.resume);
  row.Size("low", "", "Warn, and reclaim what policy allows, below this.", &marks.low);
  row.Size("full_inodes", "", "The same in inodes.", &marks.full_inodes);
  row.Size("resume_inodes", "", "The same in inodes.", &marks.resume_inodes);
  row.Size("low_inodes", "", "The same in inodes.", &marks.low_inodes);
  row.Size("reserve", "", "Space held, allocated, as evidence.", &marks.reserve);
  row.Size("step", "", "Space a partition takes at a time.", &marks.step);
  row.Size("segment", "", "Size at which a segment is closed.", &marks.segment);
}

void CheckAddresses(const SpuOptions& options, std::vector<std::string>& problems) {
  const daemon::Endpoint& listen = options.daemon.grpc_listen;
  if (!options.insecure && !listen.IsLoopback()) {
    problems.push_back(absl::StrFormat(
        "listen.grpc = %s is not loopback and there is no TLS; say --insecure true if that network "
        "is yours",
        listen.ToString()));
  }
  if (options.advertise.empty() && (listen.host == "0.0.0.0" || listen.host == "::")) {
    problems.push_back(absl::StrFormat(
        "listen.grpc = %s is every address of this machine and none that a client can dial; say "
        "which one they are told with advertise = \"HOST:PORT\"",
        listen.ToString()));
  }
  if (const auto sc = daemon::Endpoint::Parse(options.sc); !sc.ok()) {
    problems.push_back(absl::StrFormat("sc: %s", sc.status().message()));
  }
  if (options.advertise.empty()) return;
  if (const auto told = daemon::Endpoint::Parse(options.advertise); !told.ok()) {
    problems.push_back(absl::StrFormat("advertise: %s", told.status().message()));
  }
}

}  // namespace

daemon::ConfigSchema BindOptions(SpuOptions& options) {
  daemon::ConfigSchema schema;
  options.daemon.BindTo(schema, kGrpcPort, kHttpPort);
  schema.Text("id", "spu-1", "Name of this SPU, unique in the cluster.", &options.id);
  schema.Text("state_dir", "/var/lib/tidemark-spu", "Small directory for this SPU's identity.",
              &options.state_directory);
  schema.Text("sc", "127.0.0.1:7101", "host:port of the controller.", &options.sc);
  schema.Text("advertise", "", "host:port told to clients; empty: the one listened on.",
              &options.advertise);
  schema.Bool("insecure", "false", "Allow plaintext gRPC on an address that is not loopback.",
              &options.insecure);
  schema.Bool("allow_root", "false",
              "Run as root, who may use the blocks the filesystem keeps back from others.",
              &options.allow_root);
  schema.TableArray(
      "volume", "path", "A directory to keep partitions in.",
      [&options](daemon::ConfigSchema& row) { BindVolume(row, options.volumes.emplace_back()); });
  schema.Bytes("limits.batch", "1MiB", "Largest batch accepted.", &options.batch_bytes_max);
  schema.Bytes("limits.commit_queue", "64MiB", "Bytes that may wait for one volume's commits.",
               &options.commit_queue_bytes_max);
  schema.Duration("space.reading_deadline", "1s", "A reading that takes longer counts as none.",
                  &options.reading_deadline);
  schema.Duration("space.settle", "2s", "How long readings must stay above resume.",
                  &options.settle);
  schema.Duration("retention.interval", "10s", "How often expired segments are looked for.",
                  &options.retention_interval);
  return schema;
}

absl::Status CheckOptions(const SpuOptions& options) {
  std::vector<std::string> problems;
  // The controller's rule for a Hello, so that it is not first heard of there.
  if (!daemon::IsName(options.id)) {
    problems.push_back(absl::StrFormat("id = '%s' refused: 1 to %d of [A-Za-z0-9._-] are wanted",
                                       options.id, daemon::kNameBytesMax));
  }
  if (options.volumes.empty()) {
    problems.push_back("no volume is configured: add [[volume]] path = \"…\", or --volume DIR");
  }
  if (options.volumes.size() > kVolumesMax) {
    problems.push_back(absl::StrFormat("%d volumes are configured, at most %d may",
                                       options.volumes.size(), kVolumesMax));
  }
  std::set<std::string> paths;
  for (const VolumeConfig& volume : options.volumes) {
    if (!volume.path.starts_with('/')) {
      problems.push_back(absl::StrFormat("volume.path '%s' is not absolute", volume.path));
    }
    if (!paths.insert(volume.path).second) {
      problems.push_back(absl::StrFormat("volume.path '%s' is given twice", volume.path));
    }
  }
  CheckAddresses(options, problems);
  if (options.batch_bytes_max < kSmallestBatch || options.batch_bytes_max > kLargestBatch) {
    problems.push_back(absl::StrFormat("limits.batch is %d bytes, want %d to %d",
                                       options.batch_bytes_max, kSmallestBatch, kLargestBatch));
  }
  if (options.reading_deadline <= base::Duration(0) || options.settle <= base::Duration(0)) {
    problems.push_back("space.reading_deadline and space.settle must be above 0");
  }
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

}  // namespace tidemark::spu
