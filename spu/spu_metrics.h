// The numbers an SPU exports. Labels are volumes, causes and reasons: closed sets, never topics.
//
// Threading: updated on the loop, read by the scrape.
#pragma once

#include <map>
#include <memory>
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
  void SetAttached(bool attached) { attached_.Set(attached ? 1 : 0); }

 private:
  struct VolumeGauges;

  VolumeGauges& GaugesOf(const Volume& volume);

  daemon::MetricRegistry& registry_;
  daemon::Counter appended_records_;
  daemon::Counter appended_bytes_;
  daemon::Histogram append_latency_;
  daemon::Gauge attached_;
  std::map<RefusalReason, daemon::Counter> refused_;
  std::map<std::string, std::unique_ptr<VolumeGauges>> volumes_;
};

}  // namespace tidemark::spu
