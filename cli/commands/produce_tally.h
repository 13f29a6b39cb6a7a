// What became of the records of one `tidemark produce`, counted as the outcomes come in.
//
// Threading: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "cli/client/producer.h"

namespace tidemark::cli {

struct OffsetRange {
  std::int64_t records = 0;
  std::int64_t first = -1;
  std::int64_t last = -1;
};

struct ProduceTotals {
  std::int64_t acknowledged = 0;
  std::int64_t acknowledged_bytes = 0;
  std::int64_t refused = 0;
  // The stream broke before they were answered: they may be in the log.
  std::int64_t unknown = 0;
  // Lowest tag that was not acknowledged.
  std::optional<std::uint64_t> first_missing;
  std::map<std::uint64_t, OffsetRange> partitions;  // by id
  absl::Status failure;                             // the first
};

class ProduceTally {
 public:
  void Take(const client::Outcome& outcome);
  ProduceTotals totals() const;
  bool failed() const;

 private:
  mutable base::Mutex mutex_;
  ProduceTotals totals_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::cli
