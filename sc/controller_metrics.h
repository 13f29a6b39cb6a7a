// What Prometheus may know of the controller, brought up to date on the loop.
//
// Threading: confined to the loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/clock.h"
#include "daemon/metrics.h"
#include "sc/core/controller_core.h"
#include "sc/core/topic_table.h"

namespace tidemark::sc {

class ControllerMetrics {
 public:
  explicit ControllerMetrics(daemon::MetricRegistry& registry);

  void CountEvents(std::size_t events);
  // At most once a second.
  void Update(const ControllerCore& core, const TopicTable& topics, std::size_t watchers,
              base::MonotonicTime now);

 private:
  daemon::MetricRegistry& registry_;
  daemon::Gauge sessions_;
  daemon::Gauge watchers_;
  daemon::Gauge tombstones_;
  daemon::Counter events_;
  std::map<v1::PartitionStatus, daemon::Gauge> partitions_;
  std::map<v1::Reach, daemon::Gauge> volumes_;
  struct Refusals {
    daemon::Counter counter;
    std::uint64_t counted = 0;
  };
  void CountRefusals(const RefusalLog& log, const std::string& name, const std::string& help,
                     daemon::MetricLabels labels);

  std::map<std::pair<std::string, daemon::MetricLabels>, Refusals> refusals_;  // by name, labels
  base::MonotonicTime updated_at_;
};

}  // namespace tidemark::sc
