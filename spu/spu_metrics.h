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
#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::spu {

class SpuMetrics {
 public:
  explicit SpuMetrics(daemon::MetricRegistry& registry);
  ~SpuMetrics();

  void OnAppend(const AppendResult& result, std::size_t bytes, base::Duration latency);
  // Also of an append that was refused before any partition was asked.
  void OnAppendRefused(const Refusal& refusal);
  void OnReadRefused(const Refusal& refusal);
  void OnTrimRefused(const Refusal& refusal);
  void OnHelloRefused(tidemark::sc::v1::NackReason reason);
  void OnReportRefused(tidemark::sc::v1::ReportRefusal reason);
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
  // By the value of the reason; 0 also counts those of a newer peer.
  std::map<int, daemon::Counter> refused_appends_;
  std::map<int, daemon::Counter> refused_reads_;
  std::map<int, daemon::Counter> refused_trims_;
  std::map<int, daemon::Counter> refused_hellos_;
  std::map<int, daemon::Counter> refused_reports_;
  std::map<std::string, std::unique_ptr<VolumeGauges>> volumes_;
};

}  // namespace tidemark::spu
