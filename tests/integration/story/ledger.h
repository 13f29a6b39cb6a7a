// What the story was promised: every record that was acknowledged, and where.
//
// A record's value follows from its partition, its tag and the seed, so that the ledger remembers
// an offset and a tag and can still compare byte for byte.
//
// Lifetime:  outlives the producers that write into it.
// Threading: any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "cli/client/consumer.h"
#include "cli/client/producer.h"

namespace tidemark::story {

inline constexpr std::size_t kRecordBytes = 1024;

// What one read of a partition showed.
struct ReadBack {
  std::int64_t records = 0;
  std::int64_t bytes = 0;
  std::int64_t log_start = 0;
};

class Ledger {
 public:
  explicit Ledger(std::uint64_t seed, std::size_t record_bytes = kRecordBytes)
      : seed_(seed), record_bytes_(record_bytes) {}

  // One printable line of `record_bytes`.
  std::string ValueOf(std::uint64_t partition_id, std::uint64_t tag) const;
  std::uint64_t NextTag() { return next_tag_++; }

  // Every outcome goes here.
  void Take(const client::Outcome& outcome);
  // Records a person's command wrote, acknowledged from `base_offset` on.
  void TakeLines(std::uint64_t partition_id, std::int64_t base_offset,
                 const std::vector<std::uint64_t>& tags);

  std::int64_t acknowledged() const;
  std::int64_t acknowledged_bytes() const;
  // Acknowledged records that no ReadAll has compared yet.
  std::int64_t unread() const;

  // Drops what was read and compared and lies below `offset`: a long run must not remember all.
  void Forget(std::uint64_t partition_id, std::int64_t offset);

  // Reads the partition from its start to its end and compares. kDataLoss, with the offset and what
  // was there, for a record that is missing, changed, moved, or there twice.
  absl::StatusOr<ReadBack> ReadAll(const std::string& endpoint, std::uint64_t partition_id);

 private:
  struct Partition {
    std::map<std::int64_t, std::uint64_t> acknowledged;  // offset → tag
    std::set<std::uint64_t> unknown;                     // unanswered: may be there, once
    std::int64_t read_below = 0;                         // compared so far
  };

  absl::Status Compare(std::uint64_t partition_id, const Partition& partition,
                       const client::IncomingRecord& record,
                       std::set<std::uint64_t>& unknown_seen) const;

  const std::uint64_t seed_;
  const std::size_t record_bytes_;
  std::atomic<std::uint64_t> next_tag_{1};
  mutable base::Mutex mutex_;
  std::map<std::uint64_t, Partition> partitions_ TM_GUARDED_BY(mutex_);
  std::int64_t forgotten_ TM_GUARDED_BY(mutex_) = 0;
  std::int64_t acknowledged_bytes_ TM_GUARDED_BY(mutex_) = 0;
};

}  // namespace tidemark::story
