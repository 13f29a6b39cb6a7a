// What tidemark-spu can be told, with its defaults.
//
// Plain values; the keys and their texts are in BindConfig(). Errors are all listed at once by
// daemon::LoadConfig(); what only the real volumes can tell (marks that fit) is checked at start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/byte_size.h"
#include "base/clock.h"
#include "daemon/config_schema.h"

namespace tidemark::spu {

struct VolumeConfig {
  std::string path;
  // Unset: derived from the volume's capacity (monitor/README.md).
  std::optional<base::SizeSpec> full;
  std::optional<base::SizeSpec> resume;
  std::optional<base::SizeSpec> low;
  std::optional<base::SizeSpec> reserve;
  std::optional<base::SizeSpec> step;
  std::optional<base::SizeSpec> segment;
};

struct Config {
  std::string id;
  std::string state_directory;
  std::string sc;
  std::string grpc_listen;
  std::string http_listen;
  // What the SC and clients are told; empty: the address listened on.
  std::string advertise;
  bool insecure = false;
  std::vector<VolumeConfig> volumes;

  std::int64_t batch_bytes_max = 0;
  std::int64_t commit_queue_bytes_max = 0;
  base::Duration reading_deadline{};
  base::Duration settle{};
  base::Duration retention_interval{};
  base::Duration drain{};
  base::Duration loop_stuck_after{};

  std::string log_level;
  std::string log_format;
};

// Binds every key to `config`, which must outlive the schema.
void BindConfig(daemon::ConfigSchema& schema, Config& config);

// What one key alone cannot tell: addresses that need --insecure, no volume, the same path twice.
absl::Status CheckConfig(const Config& config);

}  // namespace tidemark::spu
