#include "spu/commit/commit_queue.h"

#include <set>
#include <utility>

#include "base/check.h"

namespace tidemark::spu {

void CommitQueue::Enqueue(storage::CommitWrite write) {
  TM_CHECK(!failed_);
  waiting_bytes_ += write.size_bytes();
  waiting_.writes.push_back(std::move(write));
  if (!in_flight_) SubmitNext();
}

void CommitQueue::SubmitNext() {
  if (waiting_.writes.empty()) return;
  storage::CommitJob job = std::exchange(waiting_, {});
  in_flight_bytes_ = std::exchange(waiting_bytes_, 0);
  in_flight_ = true;
  Ends ends;
  for (const storage::CommitWrite& write : job.writes) ends[write.partition] = write.end_offset;
  committer_.Submit(
      std::move(job),
      [this, ends](const storage::CommitResult& result) {
        if (!result.ok()) return;  // OnSynced tells
        for (const auto& [partition, end] : ends) listener_.OnWritten(partition, end);
      },
      [this, ends](const storage::CommitResult& result) { OnSynced(ends, result); });
}

void CommitQueue::OnSynced(const Ends& ends, const storage::CommitResult& result) {
  in_flight_ = false;
  in_flight_bytes_ = 0;
  if (result.ok()) {
    // The next commit starts before the answers are made: the disk must not wait for them.
    SubmitNext();
    listener_.OnCommitted(result.took);
    for (const auto& [partition, end] : ends) listener_.OnDurable(partition, end);
    return;
  }
  failed_ = true;
  std::set<base::PartitionId> partitions;
  for (const auto& [partition, end] : ends) partitions.insert(partition);
  for (const storage::CommitWrite& write : waiting_.writes) partitions.insert(write.partition);
  waiting_ = {};
  waiting_bytes_ = 0;
  listener_.OnCommitFailed(*result.failure, {partitions.begin(), partitions.end()});
}

}  // namespace tidemark::spu
