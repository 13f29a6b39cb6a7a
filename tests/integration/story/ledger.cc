#include "tests/integration/story/ledger.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "tests/support/await.h"

namespace tidemark::story {
namespace {

// Marsaglia's xorshift: records must differ, not be unpredictable.
std::uint64_t NextRandom(std::uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

}  // namespace

// A word at a time: sanitized programs make and compare gigabytes of them.
std::string Ledger::ValueOf(std::uint64_t partition_id, std::uint64_t tag) const {
  constexpr std::uint64_t kLowNibbles = 0x0f0f0f0f0f0f0f0f;
  constexpr std::uint64_t kLetters = 0x6161616161616161;  // "aaaaaaaa": from a to p
  std::string value = absl::StrFormat("partition %d record %d ", partition_id, tag);
  std::size_t at = value.size();
  value.resize(std::max(at, record_bytes_));
  std::uint64_t state = (seed_ ^ (partition_id << 40) ^ tag) | 1;
  while (at < value.size()) {
    const std::uint64_t word = (NextRandom(state) & kLowNibbles) + kLetters;
    const std::size_t part = std::min(sizeof word, value.size() - at);
    std::memcpy(&value[at], &word, part);
    at += part;
  }
  return value;
}

void Ledger::Take(const client::Outcome& outcome) {
  base::MutexLock lock(mutex_);
  Partition& partition = partitions_[outcome.partition_id];
  if (outcome.refusal) return;  // refused: must not be there, and ReadAll would find it
  if (!outcome.status.ok()) {
    partition.unknown.insert(outcome.tags.begin(), outcome.tags.end());
    return;
  }
  std::int64_t offset = outcome.base_offset;
  for (const std::uint64_t tag : outcome.tags) partition.acknowledged[offset++] = tag;
  acknowledged_bytes_ += static_cast<std::int64_t>(outcome.tags.size() * record_bytes_);
}

void Ledger::TakeLines(std::uint64_t partition_id, std::int64_t base_offset,
                       const std::vector<std::uint64_t>& tags) {
  client::Outcome outcome;
  outcome.partition_id = partition_id;
  outcome.base_offset = base_offset;
  outcome.tags = tags;
  Take(outcome);
}

std::int64_t Ledger::acknowledged() const {
  base::MutexLock lock(mutex_);
  std::int64_t count = forgotten_;
  for (const auto& [id, partition] : partitions_) {
    count += static_cast<std::int64_t>(partition.acknowledged.size());
  }
  return count;
}

std::int64_t Ledger::acknowledged_bytes() const {
  base::MutexLock lock(mutex_);
  return acknowledged_bytes_;
}

std::int64_t Ledger::unread() const {
  base::MutexLock lock(mutex_);
  std::int64_t count = 0;
  for (const auto& [id, partition] : partitions_) {
    count += std::distance(partition.acknowledged.lower_bound(partition.read_below),
                           partition.acknowledged.end());
  }
  return count;
}

void Ledger::Forget(std::uint64_t partition_id, std::int64_t offset) {
  base::MutexLock lock(mutex_);
  Partition& partition = partitions_[partition_id];
  const auto end = partition.acknowledged.lower_bound(std::min(offset, partition.read_below));
  forgotten_ += std::distance(partition.acknowledged.begin(), end);
  partition.acknowledged.erase(partition.acknowledged.begin(), end);
}

absl::Status Ledger::Compare(std::uint64_t partition_id, const Partition& partition,
                             const client::IncomingRecord& record,
                             std::set<std::uint64_t>& unknown_seen) const {
  const auto expected = partition.acknowledged.find(record.offset);
  if (expected != partition.acknowledged.end()) {
    if (record.value == ValueOf(partition_id, expected->second)) return absl::OkStatus();
    return absl::DataLossError(absl::StrFormat(
        "partition id %d offset %d should hold record %d and holds '%s…' (%d bytes)", partition_id,
        record.offset, expected->second, record.value.substr(0, 48), record.value.size()));
  }
  for (const std::uint64_t tag : partition.unknown) {
    if (record.value != ValueOf(partition_id, tag)) continue;
    if (unknown_seen.insert(tag).second) return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrFormat("partition id %d offset %d holds '%s…', which was never acknowledged there",
                      partition_id, record.offset, record.value.substr(0, 48)));
}

absl::StatusOr<ReadBack> Ledger::ReadAll(const std::string& endpoint, std::uint64_t partition_id) {
  client::ConsumerOptions options;
  options.partition_id = partition_id;
  options.until_end = true;
  TM_ASSIGN_OR_RETURN(const auto consumer, client::Consumer::Open(endpoint, options));
  Partition partition;
  {
    base::MutexLock lock(mutex_);
    partition = partitions_[partition_id];
  }
  ReadBack read;
  read.log_start = consumer->started().log_start();
  std::int64_t next = consumer->started().offset();
  std::set<std::uint64_t> unknown_seen;
  while (true) {
    TM_ASSIGN_OR_RETURN(const auto event, consumer->Next(support::kLongWait));
    if (event.kind == client::ConsumerEvent::Kind::kEnd) break;
    for (const client::IncomingRecord& record : event.records) {
      TM_RETURN_IF_ERROR(Compare(partition_id, partition, record, unknown_seen));
      ++read.records;
      read.bytes += static_cast<std::int64_t>(record.value.size());
      next = record.offset + 1;
    }
  }
  // Consecutive offsets are the consumer's own check; here, that nothing is missing at the end.
  if (!partition.acknowledged.empty() && partition.acknowledged.rbegin()->first >= next) {
    return absl::DataLossError(
        absl::StrFormat("partition id %d ends at offset %d, but offset %d was acknowledged",
                        partition_id, next, partition.acknowledged.rbegin()->first));
  }
  const auto gone = partition.acknowledged.lower_bound(partition.read_below);
  if (gone != partition.acknowledged.end() && gone->first < read.log_start) {
    return absl::DataLossError(absl::StrFormat(
        "partition id %d begins at offset %d, but offset %d was acknowledged and never read",
        partition_id, read.log_start, gone->first));
  }
  base::MutexLock lock(mutex_);
  partitions_[partition_id].read_below = next;
  return read;
}

}  // namespace tidemark::story
