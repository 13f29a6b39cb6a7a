// The numbers an SPU exports. Labels are volumes, causes and reasons: closed sets, never topics.
//
// Threading: updated on the loop, read by the scrape.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "daemon/metrics.h"
#include "spu/partition_host.h"
#include "spu/volume/volume.h"

namespace tidemark::spu {

class SpuMetrics {
 public:
  explicit SpuMetrics(daemon::MetricRegistry& registry);
  ~SpuMetrics();

  void OnAppend(const AppendResult& result, std::size_t bytes, base::Duration latency);
  // After every change or reading of the volume.
  void OnVolume(const Volume& volume);
  void OnCommit(base::Duration took) {
    commit_latency_.Observe(std::chrono::duration<double>(took).count());
  }
  // Now and then: `synced` if the SC has acknowledged all there is to tell.
  void OnLink(bool attached, bool synced, base::MonotonicTime now);

 private:
  struct VolumeGauges;

  VolumeGauges& GaugesOf(const Volume& volume);

  daemon::MetricRegistry& registry_;
  daemon::Counter appended_records_;
  daemon::Counter appended_bytes_;
  daemon::Histogram append_latency_;
  daemon::Histogram commit_latency_;
  daemon::Gauge attached_;
  daemon::Gauge synced_;
  daemon::Gauge session_age_;
  daemon::Gauge report_lag_;
  std::optional<base::MonotonicTime> attached_since_;
  std::optional<base::MonotonicTime> synced_at_;
  std::map<RefusalReason, daemon::Counter> refused_;
  std::map<std::string, std::unique_ptr<VolumeGauges>> volumes_;
};

}  // namespace tidemark::spu
