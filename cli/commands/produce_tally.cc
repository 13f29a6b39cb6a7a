#include "cli/commands/produce_tally.h"

#include <algorithm>

namespace tidemark::cli {

void ProduceTally::Take(const client::Outcome& outcome) {
  const auto records = static_cast<std::int64_t>(outcome.tags.size());
  base::MutexLock lock(mutex_);
  if (outcome.status.ok()) {
    totals_.acknowledged += records;
    totals_.acknowledged_bytes += outcome.bytes;
    OffsetRange& range = totals_.partitions[outcome.partition_id];
    range.records += records;
    if (range.first < 0) range.first = outcome.base_offset;
    range.last = outcome.base_offset + records - 1;
    return;
  }
  (outcome.refusal ? totals_.refused : totals_.unknown) += records;
  if (totals_.failure.ok()) totals_.failure = outcome.status;
  if (!outcome.tags.empty()) {
    const std::uint64_t first = outcome.tags.front();
    totals_.first_missing = std::min(totals_.first_missing.value_or(first), first);
  }
}

ProduceTotals ProduceTally::totals() const {
  base::MutexLock lock(mutex_);
  return totals_;
}

bool ProduceTally::failed() const {
  base::MutexLock lock(mutex_);
  return !totals_.failure.ok();
}

}  // namespace tidemark::cli
