#include "sc/controller_metrics.h"

#include <chrono>

#include "sc/core/view.h"

namespace tidemark::sc {
namespace {

constexpr base::Duration kInterval = std::chrono::seconds(1);

constexpr std::pair<v1::PartitionStatus, const char*> kStatuses[] = {
    {v1::PARTITION_STATUS_ONLINE, "online"},
    {v1::PARTITION_STATUS_OFFLINE, "offline"},
    {v1::PARTITION_STATUS_LEADER_OFFLINE, "leader_offline"},
    {v1::PARTITION_STATUS_OUT_OF_SPACE, "out_of_space"},
    {v1::PARTITION_STATUS_FAILED, "failed"}};

constexpr std::pair<v1::Reach, const char*> kReaches[] = {{v1::REACH_DOWN, "down"},
                                                          {v1::REACH_SYNCING, "syncing"},
                                                          {v1::REACH_UP, "up"},
                                                          {v1::REACH_ABSENT, "absent"}};

}  // namespace

ControllerMetrics::ControllerMetrics(daemon::MetricRegistry& registry)
    : registry_(registry),
      sessions_(registry.AddGauge("tidemark_sc_sessions", "SPUs attached within their lease.")),
      watchers_(registry.AddGauge("tidemark_sc_watchers", "Open Watch calls.")),
      tombstones_(registry.AddGauge("tidemark_sc_tombstones",
                                    "Deleted partitions their SPU has not confirmed yet.")),
      events_(registry.AddCounter("tidemark_sc_events_total", "Events written to the history.")) {
  for (const auto& [status, name] : kStatuses) {
    partitions_.emplace(status, registry.AddGauge("tidemark_sc_partitions", "Partitions by status.",
                                                  {{"status", name}}));
  }
  for (const auto& [reach, name] : kReaches) {
    volumes_.emplace(
        reach, registry.AddGauge("tidemark_sc_volumes", "Volumes by reach.", {{"reach", name}}));
  }
}

void ControllerMetrics::CountEvents(std::size_t events) {
  events_.Increment(static_cast<double>(events));
}

void ControllerMetrics::Update(const ControllerCore& core, const TopicTable& topics,
                               std::size_t watchers, base::MonotonicTime now) {
  if (now - updated_at_ < kInterval) return;
  updated_at_ = now;
  double sessions = 0;
  for (const auto& [id, spu] : core.spus()) sessions += spu.attached() ? 1 : 0;
  sessions_.Set(sessions);
  watchers_.Set(static_cast<double>(watchers));
  tombstones_.Set(static_cast<double>(topics.tombstones()));

  std::map<v1::PartitionStatus, double> by_status;
  topics.VisitPartitions(
      [&](const PartitionRecord& partition) { by_status[VerdictOf(core, partition).status] += 1; });
  for (auto& [status, gauge] : partitions_) gauge.Set(by_status[status]);
  std::map<v1::Reach, double> by_reach;
  for (const auto& [uuid, volume] : core.volumes()) by_reach[volume.reach] += 1;
  for (auto& [reach, gauge] : volumes_) gauge.Set(by_reach[reach]);

  for (const auto& [kind, log] : core.refusals()) {
    CountRefusals(log, "tidemark_sc_refusals_total", "What SPUs said and the controller refused.",
                  {{"kind", kind}});
  }
  CountRefusals(core.refused_assignments(), "tidemark_sc_assignment_refusals_total",
                "Assignments that SPUs refused.", {});
}

void ControllerMetrics::CountRefusals(const RefusalLog& log, const std::string& name,
                                      const std::string& help, daemon::MetricLabels labels) {
  for (const auto& [reason, count] : log.counts_by_reason()) {
    labels["reason"] = reason;
    auto found = refusals_.find({name, labels});
    if (found == refusals_.end()) {
      found =
          refusals_
              .emplace(std::pair(name, labels), Refusals{registry_.AddCounter(name, help, labels)})
              .first;
    }
    found->second.counter.Increment(static_cast<double>(count - found->second.counted));
    found->second.counted = count;
  }
}

}  // namespace tidemark::sc
