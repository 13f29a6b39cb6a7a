#include "spu/commit/commit_thread.h"

#include <memory>
#include <utility>

namespace tidemark::spu {
namespace {

constexpr std::size_t kJobsWaitingMax = 8;  // the commit queue submits one at a time

}  // namespace

CommitThread::CommitThread(daemon::EventLoop& loop, const std::string& name)
    : loop_(loop), thread_(loop, name, kJobsWaitingMax) {}

void CommitThread::Submit(storage::CommitJob job, storage::CommitCallback on_written,
                          storage::CommitCallback on_synced) {
  loop_.AssertOnLoop();
  auto on_failed = on_synced;
  const bool taken = thread_.TryRun(
      [queue = loop_.queue(), job = std::move(job),
       on_written = std::move(on_written)]() -> storage::CommitResult {
        if (!on_written) return storage::RunCommit(job);
        return storage::RunCommit(job, [&](const storage::CommitResult& written) {
          queue->PostControl([on_written, written] { on_written(written); });
        });
      },
      [on_synced = std::move(on_synced)](const storage::CommitResult& synced) {
        on_synced(synced);
      });
  if (taken) return;
  storage::CommitResult refused;
  refused.failure =
      storage::CommitFailure{storage::CommitFailure::Operation::kWrite, "", base::PartitionId(0),
                             absl::UnavailableError("the commit thread has stopped")};
  on_failed(refused);
}

}  // namespace tidemark::spu
