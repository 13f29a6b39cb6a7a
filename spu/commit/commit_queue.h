// Natural group commit of one volume: what arrives while a commit is in flight forms the next one.
// No timer, no window to tune: the disk's own speed sets the size of a group.
//
// A failed commit fails everything behind it: what is on disk behind the durable ends is unknown,
// so nothing more is tried until a restart has recovered.
//
// Lifetime:  outlives no Committer callback: destroy the committer's thread first.
// Threading: confined to the loop.
// Errors:    told to the listener, once per failure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "storage/log/committer.h"

namespace tidemark::spu {

class CommitListener {
 public:
  virtual ~CommitListener() = default;
  // One commit is on the disk; the system calls of it took so long.
  virtual void OnCommitted(base::Duration /*took*/) {}
  // Everything of the partition below `end` is in the file / on the disk.
  virtual void OnWritten(base::PartitionId partition, base::Offset end) = 0;
  virtual void OnDurable(base::PartitionId partition, base::Offset end) = 0;
  // `partitions`: all that had something in the failed commit or behind it.
  virtual void OnCommitFailed(const storage::CommitFailure& failure,
                              const std::vector<base::PartitionId>& partitions) = 0;
};

class CommitQueue {
 public:
  CommitQueue(storage::Committer& committer, CommitListener& listener)
      : committer_(committer), listener_(listener) {}

  void Enqueue(storage::CommitWrite write);

  // Waiting and in flight.
  std::int64_t bytes() const { return waiting_bytes_ + in_flight_bytes_; }
  bool idle() const { return !in_flight_ && waiting_.writes.empty(); }
  bool failed() const { return failed_; }

 private:
  using Ends = std::map<base::PartitionId, base::Offset>;

  void SubmitNext();
  void OnSynced(const Ends& ends, const storage::CommitResult& result);

  storage::Committer& committer_;
  CommitListener& listener_;
  storage::CommitJob waiting_;
  std::int64_t waiting_bytes_ = 0;
  std::int64_t in_flight_bytes_ = 0;
  bool in_flight_ = false;
  bool failed_ = false;
};

}  // namespace tidemark::spu
