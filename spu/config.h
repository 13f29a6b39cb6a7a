// What tidemark-spu can be told, with its defaults.
//
// Plain values; the keys and their texts are in BindOptions(). Wrong text is reported by
// daemon::Configure() with file, line and column; what only the real volumes can tell (marks that
// fit) is checked at start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "daemon/config_schema.h"
#include "daemon/daemon_options.h"
#include "monitor/marks.h"

namespace tidemark::spu {

struct VolumeConfig {
  std::string path;
  monitor::MarksOverrides marks;  // unset: derived from the volume's capacity
};

struct SpuOptions {
  daemon::DaemonOptions daemon;
  std::string id;
  std::string state_directory;
  std::string sc;
  std::string advertise;  // empty: the address listened on
  bool insecure = false;
  bool allow_root = false;
  std::vector<VolumeConfig> volumes;

  std::int64_t batch_bytes_max = 0;
  std::int64_t commit_queue_bytes_max = 0;
  base::Duration reading_deadline{};
  base::Duration settle{};
  base::Duration retention_interval{};
};

daemon::ConfigSchema BindOptions(SpuOptions& options);

// What one key alone cannot tell; every problem at once.
absl::Status CheckOptions(const SpuOptions& options);

}  // namespace tidemark::spu
