// What the day was promised: every record that was acknowledged, where, and how far a partition
// may have been trimmed.
//
// Lifetime:  outlives the producers that write into it; one per day.
// Threading: any thread.
// Errors:    Compare → kDataLoss, with the offset and what was there, for a record that is missing,
//            changed, moved, there twice, or was never sent.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "cli/client/consumer.h"
#include "cli/client/producer.h"

namespace tidemark::faults {

class DayLedger {
 public:
  // A record to send; it is remembered as sent.
  struct Draft {
    std::uint64_t tag = 0;
    std::string value;
  };
  Draft Write(std::uint64_t partition_id, std::int64_t bytes);
  void Take(const client::Outcome& outcome);

  // From now on the log may begin anywhere up to here.
  void AllowTrim(std::uint64_t partition_id, std::int64_t before);
  // From now on it may be gone, whole or in part.
  void AllowDelete(std::uint64_t partition_id);
  bool may_be_gone(std::uint64_t partition_id) const;

  std::int64_t acknowledged() const;

  struct Compared {
    std::int64_t records = 0;
    std::int64_t log_start = 0;
    std::int64_t log_end = 0;
  };
  // Reads the partition whole.
  absl::StatusOr<Compared> Compare(const std::string& endpoint, std::uint64_t partition_id) const;
  // Partitions with acknowledged records that must be readable still.
  std::set<std::uint64_t> Expected() const;

 private:
  struct Partition {
    std::map<std::uint64_t, std::int64_t> sent;          // tag → bytes
    std::map<std::int64_t, std::uint64_t> acknowledged;  // offset → tag
    std::set<std::uint64_t> refused;                     // must not be there
    std::int64_t may_start_at = 0;
    bool may_be_gone = false;
  };

  static std::string ValueOf(std::uint64_t partition_id, std::uint64_t tag, std::int64_t bytes);
  static absl::Status CompareRecord(std::uint64_t partition_id, const Partition& partition,
                                    const client::IncomingRecord& record,
                                    std::set<std::uint64_t>& seen);

  mutable base::Mutex mutex_;
  std::uint64_t next_tag_ TM_GUARDED_BY(mutex_) = 1;
  std::map<std::uint64_t, Partition> partitions_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::faults
