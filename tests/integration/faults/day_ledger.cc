#include "tests/integration/faults/day_ledger.h"

#include <charconv>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "tests/support/await.h"

namespace tidemark::faults {
namespace {

// "tag 17 of partition 3 …": the tag of a value, 0 if it is none of ours.
std::uint64_t TagOf(const std::string& value) {
  constexpr std::string_view kWord = "tag ";
  std::uint64_t tag = 0;
  if (value.starts_with(kWord)) {
    std::from_chars(value.data() + kWord.size(), value.data() + value.size(), tag);
  }
  return tag;
}

}  // namespace

std::string DayLedger::ValueOf(std::uint64_t partition_id, std::uint64_t tag, std::int64_t bytes) {
  std::string value = absl::StrFormat("tag %d of partition %d ", tag, partition_id);
  // No byte is 0 and neighbours differ: a torn or shifted value cannot look whole.
  for (std::uint64_t i = value.size(); i < static_cast<std::uint64_t>(bytes); ++i) {
    value.push_back(static_cast<char>('!' + (i * 7 + tag * 13) % 90));
  }
  return value;
}

DayLedger::Draft DayLedger::Write(std::uint64_t partition_id, std::int64_t bytes) {
  base::MutexLock lock(mutex_);
  const std::uint64_t tag = next_tag_++;
  Draft draft{tag, ValueOf(partition_id, tag, bytes)};
  partitions_[partition_id].sent[tag] = std::ssize(draft.value);
  return draft;
}

void DayLedger::Take(const client::Outcome& outcome) {
  base::MutexLock lock(mutex_);
  Partition& partition = partitions_[outcome.partition_id];
  if (outcome.status.ok()) {
    std::int64_t offset = outcome.base_offset;
    for (const std::uint64_t tag : outcome.tags) partition.acknowledged[offset++] = tag;
    return;
  }
  // Not acknowledged, but maybe written: it may be there, once.
  const bool unknown =
      !outcome.refusal || outcome.refusal->reason() == log::v1::REFUSAL_REASON_COMMIT_FAILED;
  if (!unknown) partition.refused.insert(outcome.tags.begin(), outcome.tags.end());
}

void DayLedger::AllowTrim(std::uint64_t partition_id, std::int64_t before) {
  base::MutexLock lock(mutex_);
  Partition& partition = partitions_[partition_id];
  partition.may_start_at = std::max(partition.may_start_at, before);
}

void DayLedger::AllowDelete(std::uint64_t partition_id) {
  base::MutexLock lock(mutex_);
  partitions_[partition_id].may_be_gone = true;
}

bool DayLedger::may_be_gone(std::uint64_t partition_id) const {
  base::MutexLock lock(mutex_);
  const auto found = partitions_.find(partition_id);
  return found != partitions_.end() && found->second.may_be_gone;
}

std::int64_t DayLedger::acknowledged() const {
  base::MutexLock lock(mutex_);
  std::int64_t count = 0;
  for (const auto& [id, partition] : partitions_) {
    count += static_cast<std::int64_t>(partition.acknowledged.size());
  }
  return count;
}

std::set<std::uint64_t> DayLedger::Expected() const {
  base::MutexLock lock(mutex_);
  std::set<std::uint64_t> expected;
  for (const auto& [id, partition] : partitions_) {
    if (!partition.may_be_gone && !partition.acknowledged.empty()) expected.insert(id);
  }
  return expected;
}

absl::Status DayLedger::CompareRecord(std::uint64_t partition_id, const Partition& partition,
                                      const client::IncomingRecord& record,
                                      std::set<std::uint64_t>& seen) {
  const std::uint64_t tag = TagOf(record.value);
  const auto at = absl::StrFormat("partition id %d offset %d", partition_id, record.offset);
  const auto sent = partition.sent.find(tag);
  if (sent == partition.sent.end() ||
      record.value != ValueOf(partition_id, sent->first, sent->second)) {
    return absl::DataLossError(absl::StrFormat("%s holds '%s…' (%d bytes), which was never sent",
                                               at, record.value.substr(0, 32),
                                               record.value.size()));
  }
  if (!seen.insert(tag).second) {
    return absl::DataLossError(absl::StrFormat("%s holds tag %d a second time", at, tag));
  }
  if (partition.refused.contains(tag)) {
    return absl::DataLossError(absl::StrFormat("%s holds tag %d, which was refused", at, tag));
  }
  const auto promised = partition.acknowledged.find(record.offset);
  if (promised != partition.acknowledged.end() && promised->second != tag) {
    return absl::DataLossError(
        absl::StrFormat("%s should hold tag %d and holds tag %d", at, promised->second, tag));
  }
  return absl::OkStatus();
}

absl::StatusOr<DayLedger::Compared> DayLedger::Compare(const std::string& endpoint,
                                                       std::uint64_t partition_id) const {
  client::ConsumerOptions options;
  options.partition_id = partition_id;
  options.until_end = true;
  TM_ASSIGN_OR_RETURN(const auto consumer, client::Consumer::Open(endpoint, options));
  Partition partition;
  {
    base::MutexLock lock(mutex_);
    if (const auto found = partitions_.find(partition_id); found != partitions_.end()) {
      partition = found->second;
    }
  }
  Compared compared;
  compared.log_start = compared.log_end = consumer->started().log_start();
  if (compared.log_start > partition.may_start_at) {
    return absl::DataLossError(
        absl::StrFormat("partition id %d begins at offset %d, though at most %d may be trimmed",
                        partition_id, compared.log_start, partition.may_start_at));
  }
  std::set<std::uint64_t> seen;
  while (true) {
    TM_ASSIGN_OR_RETURN(const auto event, consumer->Next(support::kLongWait));
    if (event.kind == client::ConsumerEvent::Kind::kEnd) break;
    for (const client::IncomingRecord& record : event.records) {
      TM_RETURN_IF_ERROR(CompareRecord(partition_id, partition, record, seen));
      ++compared.records;
      compared.log_end = record.offset + 1;
    }
  }
  // Gaps are the consumer's own check; here, that the end is there.
  if (!partition.acknowledged.empty() &&
      partition.acknowledged.rbegin()->first >= compared.log_end) {
    return absl::DataLossError(
        absl::StrFormat("partition id %d ends at offset %d, but offset %d was acknowledged",
                        partition_id, compared.log_end, partition.acknowledged.rbegin()->first));
  }
  return compared;
}

}  // namespace tidemark::faults
