#include "spu/spu_metrics.h"

#include <limits>
#include <string_view>

#include "absl/strings/ascii.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;
namespace sc_pb = tidemark::sc::v1;

double Seconds(base::Duration duration) { return static_cast<double>(duration.count()) / 1e9; }

// "proof_short" of "REPORT_REFUSAL_PROOF_SHORT".
std::string ReasonWord(std::string_view name) {
  for (const std::string_view prefix : {"NACK_REASON_", "REPORT_REFUSAL_"}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  if (name == "UNSPECIFIED") return "unknown";
  return absl::AsciiStrToLower(std::string(name));
}

void Count(std::map<int, daemon::Counter>& counters, int reason) {
  const auto found = counters.find(reason);
  (found == counters.end() ? counters.begin() : found)->second.Increment();
}

}  // namespace

struct SpuMetrics::VolumeGauges {
  VolumeGauges(daemon::MetricRegistry& registry, const std::string& volume)
      : capacity(registry.AddGauge("tidemark_volume_capacity_bytes",
                                   "Size as df shows it to an unprivileged process.",
                                   {{"volume", volume}})),
        available(registry.AddGauge("tidemark_volume_available_bytes",
                                    "What an unprivileged process may use.", {{"volume", volume}})),
        inodes(registry.AddGauge("tidemark_volume_inodes_available", "Inodes that may be used.",
                                 {{"volume", volume}})),
        budget(registry.AddGauge("tidemark_volume_budget_bytes",
                                 "What we may allocate before the full mark.",
                                 {{"volume", volume}})),
        reserve(registry.AddGauge("tidemark_volume_reserve_bytes", "Reserve held, allocated.",
                                  {{"volume", volume}})),
        full_mark(registry.AddGauge("tidemark_volume_full_mark_bytes",
                                    "Available space at which appends stop.",
                                    {{"volume", volume}})),
        resume_mark(registry.AddGauge("tidemark_volume_resume_mark_bytes",
                                      "Available space a proof must show.", {{"volume", volume}})),
        time_to_full(registry.AddGauge("tidemark_volume_time_to_full_seconds",
                                       "At the fastest fill of the last minute; +Inf: not filling.",
                                       {{"volume", volume}})),
        accepting(registry.AddGauge("tidemark_volume_accepting", "1 while appends are admitted.",
                                    {{"volume", volume}})),
        generation(registry.AddGauge("tidemark_volume_generation", "Number of the durable verdict.",
                                     {{"volume", volume}})),
        commit_queue(registry.AddGauge("tidemark_volume_commit_queue_bytes",
                                       "Bytes waiting for the disk.", {{"volume", volume}})) {
    for (const char* level : {"ok", "low", "full"}) {
      levels.emplace(level, registry.AddGauge("tidemark_volume_level", "1 for the level it is at.",
                                              {{"volume", volume}, {"level", level}}));
    }
    for (const char* hold : {"space", "blind", "operator", "device"}) {
      holds.emplace(hold, registry.AddGauge("tidemark_volume_held", "1 for each hold there is.",
                                            {{"volume", volume}, {"hold", hold}}));
    }
    for (const char* cause : {"bytes", "inodes", "quota"}) {
      episodes.emplace(cause, registry.AddCounter("tidemark_space_episodes_total",
                                                  "Times the volume ran out of space.",
                                                  {{"volume", volume}, {"cause", cause}}));
    }
    for (const char* what : {"allocation", "write"}) {
      no_space.emplace(what, registry.AddCounter("tidemark_no_space_errors_total",
                                                 "ENOSPC and EDQUOT met; at a write: never by us.",
                                                 {{"volume", volume}, {"at", what}}));
    }
    for (const char* result : {"proven", "failed"}) {
      proofs.emplace(result, registry.AddCounter("tidemark_reclaim_proofs_total",
                                                 "Attempts at a proof of reclaim.",
                                                 {{"volume", volume}, {"result", result}}));
    }
  }

  daemon::Gauge capacity, available, inodes, budget, reserve, full_mark, resume_mark, time_to_full,
      accepting, generation, commit_queue;
  std::map<std::string, daemon::Gauge> levels;
  std::map<std::string, daemon::Gauge> holds;
  std::map<std::string, daemon::Counter> episodes;
  std::map<std::string, daemon::Counter> proofs;
  std::map<std::string, daemon::Counter> no_space;
  // What was counted already.
  std::optional<base::Episode> episode_counted;
  std::optional<base::MonotonicTime> failure_counted;
  std::optional<base::Episode> proof_counted;
  NoSpaceErrors no_space_counted;
};

SpuMetrics::SpuMetrics(daemon::MetricRegistry& registry)
    : registry_(registry),
      appended_records_(
          registry.AddCounter("tidemark_appended_records_total", "Records acknowledged.")),
      appended_bytes_(
          registry.AddCounter("tidemark_appended_bytes_total", "Bytes of acknowledged batches.")),
      append_latency_(registry.AddHistogram("tidemark_append_latency_seconds",
                                            "From taking a batch to its result.")),
      commit_latency_(registry.AddHistogram("tidemark_commit_latency_seconds",
                                            "Write and fdatasync of one group commit.")),
      attached_(registry.AddGauge("tidemark_sc_attached", "1 while a session with the SC stands.")),
      synced_(registry.AddGauge("tidemark_sc_synced",
                                "1 while the SC has acknowledged the newest report of every "
                                "volume in this session.")),
      session_age_(registry.AddGauge("tidemark_sc_session_age_seconds",
                                     "How long the session stands; 0: none does.")),
      report_lag_(
          registry.AddGauge("tidemark_report_lag_seconds",
                            "For how long the SC has not acknowledged our newest verdict.")) {
  for (int value = log_pb::RefusalReason_MIN; value <= log_pb::RefusalReason_MAX; ++value) {
    const daemon::MetricLabels reason = {
        {"reason", std::string(NameOf(static_cast<RefusalReason>(value)))}};
    refused_appends_.emplace(value, registry.AddCounter("tidemark_refused_appends_total",
                                                        "Appends refused, by reason.", reason));
    refused_reads_.emplace(value, registry.AddCounter("tidemark_refused_reads_total",
                                                      "Reads refused, by reason.", reason));
    refused_trims_.emplace(value, registry.AddCounter("tidemark_refused_trims_total",
                                                      "Trims refused, by reason.", reason));
  }
  for (int value = sc_pb::NackReason_MIN; value <= sc_pb::NackReason_MAX; ++value) {
    refused_hellos_.emplace(
        value,
        registry.AddCounter(
            "tidemark_sc_refused_hellos_total", "Sessions the SC refused or ended, by reason.",
            {{"reason", ReasonWord(NackReason_Name(static_cast<sc_pb::NackReason>(value)))}}));
  }
  for (int value = sc_pb::ReportRefusal_MIN; value <= sc_pb::ReportRefusal_MAX; ++value) {
    refused_reports_.emplace(
        value, registry.AddCounter(
                   "tidemark_sc_refused_reports_total", "Reports the SC refused, by reason.",
                   {{"reason",
                     ReasonWord(ReportRefusal_Name(static_cast<sc_pb::ReportRefusal>(value)))}}));
  }
}

SpuMetrics::~SpuMetrics() = default;

void SpuMetrics::OnAppend(const AppendResult& result, std::size_t bytes, base::Duration latency) {
  if (result.refusal.has_value()) return OnAppendRefused(*result.refusal);
  appended_records_.Increment(result.records);
  appended_bytes_.Increment(static_cast<double>(bytes));
  append_latency_.Observe(Seconds(latency));
}

void SpuMetrics::OnAppendRefused(const Refusal& refusal) {
  Count(refused_appends_, refusal.reason());
}
void SpuMetrics::OnReadRefused(const Refusal& refusal) { Count(refused_reads_, refusal.reason()); }
void SpuMetrics::OnTrimRefused(const Refusal& refusal) { Count(refused_trims_, refusal.reason()); }
void SpuMetrics::OnHelloRefused(sc_pb::NackReason reason) { Count(refused_hellos_, reason); }
void SpuMetrics::OnReportRefused(sc_pb::ReportRefusal reason) { Count(refused_reports_, reason); }

void SpuMetrics::OnLink(bool attached, bool synced, base::MonotonicTime now) {
  attached_.Set(attached ? 1 : 0);
  synced_.Set(synced ? 1 : 0);
  if (!attached) attached_since_.reset();
  if (attached && !attached_since_.has_value()) attached_since_ = now;
  session_age_.Set(attached ? Seconds(now - *attached_since_) : 0);
  if (synced || !synced_at_.has_value()) synced_at_ = now;
  report_lag_.Set(Seconds(now - *synced_at_));
}

SpuMetrics::VolumeGauges& SpuMetrics::GaugesOf(const Volume& volume) {
  auto& gauges = volumes_[volume.disk().path()];
  if (gauges == nullptr) gauges = std::make_unique<VolumeGauges>(registry_, volume.disk().path());
  return *gauges;
}

void SpuMetrics::OnVolume(const Volume& volume) {
  if (!volume.started()) return;
  VolumeGauges& gauges = GaugesOf(volume);
  const monitor::SpacePolicy& policy = volume.driver()->policy();
  const monitor::Explanation now = policy.Explain(volume.Now().monotonic);
  if (now.reading.has_value()) {
    gauges.capacity.Set(static_cast<double>(now.reading->total_bytes));
    gauges.available.Set(static_cast<double>(now.reading->available_bytes));
    gauges.inodes.Set(static_cast<double>(now.reading->inodes_available));
  }
  gauges.budget.Set(now.budget.valid ? static_cast<double>(now.budget.bytes) : 0);
  gauges.reserve.Set(static_cast<double>(now.reserve_held_bytes));
  gauges.full_mark.Set(static_cast<double>(policy.marks().full_bytes));
  gauges.resume_mark.Set(static_cast<double>(policy.marks().resume_bytes));
  gauges.time_to_full.Set(now.time_to_full.has_value() ? Seconds(*now.time_to_full)
                                                       : std::numeric_limits<double>::infinity());
  gauges.accepting.Set(volume.admits() ? 1 : 0);
  gauges.generation.Set(static_cast<double>(policy.durable().generation.value()));
  gauges.commit_queue.Set(static_cast<double>(volume.commits().bytes()));
  const auto level = now.level;
  gauges.levels.at("ok").Set(level == monitor::SpaceLevel::kOk ? 1 : 0);
  gauges.levels.at("low").Set(level == monitor::SpaceLevel::kLow ? 1 : 0);
  gauges.levels.at("full").Set(level == monitor::SpaceLevel::kFull ? 1 : 0);
  const monitor::HoldSet& holds = now.wanted;
  gauges.holds.at("space").Set(holds.space.has_value() ? 1 : 0);
  gauges.holds.at("blind").Set(holds.blind.has_value() ? 1 : 0);
  gauges.holds.at("operator").Set(holds.operator_hold.has_value() ? 1 : 0);
  gauges.holds.at("device").Set(holds.device.has_value() || now.device_fault.has_value() ? 1 : 0);

  // An episode that was open before this start was counted by the process that saw it begin.
  const base::Episode newest = holds.space.has_value() ? holds.space->episode : now.record.episode;
  if (gauges.episode_counted.has_value() && newest > *gauges.episode_counted &&
      holds.space.has_value()) {
    gauges.episodes.at(std::string(monitor::SpaceCauseName(holds.space->cause))).Increment();
  }
  gauges.episode_counted = newest;
  // A reading that is short fails nothing: the attempt goes on looking.
  const bool failed =
      now.proof_failure.has_value() && now.proof_failure->step != monitor::ProofStep::kReadings;
  if (failed && gauges.failure_counted != now.proof_failure->next_try) {
    gauges.failure_counted = now.proof_failure->next_try;
    gauges.proofs.at("failed").Increment();
  }
  const NoSpaceErrors& errors = volume.no_space_errors();
  gauges.no_space.at("allocation")
      .Increment(static_cast<double>(errors.allocations - gauges.no_space_counted.allocations));
  gauges.no_space.at("write").Increment(
      static_cast<double>(errors.writes - gauges.no_space_counted.writes));
  gauges.no_space_counted = errors;
  if (now.record.last_proof.has_value()) {
    const base::Episode proven = now.record.last_proof->episode;
    if (gauges.proof_counted.has_value() && proven != *gauges.proof_counted) {
      gauges.proofs.at("proven").Increment();
    }
    gauges.proof_counted = proven;
  } else {
    gauges.proof_counted = base::Episode(0);
  }
}

}  // namespace tidemark::spu
