#include "spu/core/report_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "daemon/control/verdict_digest.h"

namespace tidemark::spu {
namespace {

// All that cannot wait for the next heartbeat.
std::string UrgentPart(const sc::v1::Report& report) {
  std::string text = daemon::CanonicalVerdict(report) + daemon::CanonicalDeviceFaults(report);
  for (const auto& lost : report.lost_data()) text += lost.SerializeAsString();
  return text;
}

std::uint64_t NewestEpisode(const sc::v1::Report& report) {
  return std::max(report.episodes(), report.holds().space().episode());
}

}  // namespace

bool ReportQueue::Add(const base::Uuid& volume, const std::string& path) {
  const auto [it, added] = entries_.try_emplace(volume);
  if (added) {
    it->second.path = path;
    it->second.urgent_part = UrgentPart({});
  }
  return added;
}

bool ReportQueue::Set(const base::Uuid& volume, sc::v1::Report report) {
  const auto it = entries_.find(volume);
  TM_CHECK(it != entries_.end());
  Entry& entry = it->second;
  std::string urgent_part = UrgentPart(report);
  const bool urgent = urgent_part != entry.urgent_part;
  entry.urgent_part = std::move(urgent_part);
  // A newer reading keeps the number: else an answer could never catch up with a busy volume.
  report.set_sequence(urgent ? ++newest_sequence_ : entry.report.sequence());
  entry.report = std::move(report);
  entry.opened = entry.report.generation() != 0 || entry.report.device_faults_size() == 0;
  if (urgent) {
    entry.acknowledged = false;
    entry.sent = false;
  } else {
    entry.lazy = true;
  }
  // The policy has answered what the SC said: higher than both of what is known, or of this one.
  if (entry.blocked && entry.report.generation() > entry.blocked_generation &&
      NewestEpisode(entry.report) >= entry.blocked_episodes) {
    entry.blocked = false;
  }
  return urgent && entry.sendable();
}

void ReportQueue::Restart() {
  for (auto& [volume, entry] : entries_) {
    entry.acknowledged = false;
    entry.sent = false;
    entry.lazy = false;
    entry.known.reset();
  }
}

void ReportQueue::Block(const base::Uuid& volume, std::uint64_t generation,
                        std::uint64_t episodes) {
  Entry* entry = Find(volume);
  TM_CHECK(entry != nullptr);
  entry->blocked = true;
  entry->blocked_generation = generation;
  entry->blocked_episodes = episodes;
}

std::vector<base::Uuid> ReportQueue::Due(base::MonotonicTime now, base::Duration resend,
                                         bool heartbeat) const {
  std::vector<base::Uuid> due;
  for (const auto& [volume, entry] : entries_) {
    if (!entry.sendable()) continue;
    const bool late = !entry.acknowledged && now - entry.sent_at >= resend;
    if (!entry.sent || late || (entry.lazy && heartbeat)) due.push_back(volume);
  }
  return due;
}

sc::v1::Report ReportQueue::Take(const base::Uuid& volume, base::MonotonicTime now) {
  Entry* entry = Find(volume);
  TM_CHECK(entry != nullptr);
  entry->sent = true;
  entry->sent_at = now;
  entry->lazy = false;
  if (!entry->fault_alone()) return entry->report;
  sc::v1::Report fault;
  fault.set_volume(entry->report.volume());
  fault.set_sequence(entry->report.sequence());
  fault.mutable_holds();
  *fault.mutable_device_faults() = entry->report.device_faults();
  return fault;
}

bool ReportQueue::settled() const {
  return std::all_of(entries_.begin(), entries_.end(), [](const auto& entry) {
    return !entry.second.tells() || entry.second.acknowledged;
  });
}

std::uint64_t ReportQueue::Digest() const {
  std::uint64_t digest = 0;
  for (const auto& [volume, entry] : entries_) {
    if (entry.report.generation() == 0 || entry.fault_alone()) continue;
    digest += daemon::HeartbeatDigest(entry.report);
  }
  return digest;
}

ReportQueue::Entry* ReportQueue::Find(const base::Uuid& volume) {
  const auto it = entries_.find(volume);
  return it == entries_.end() ? nullptr : &it->second;
}

}  // namespace tidemark::spu
