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
        const base::SystemClock clock;
        const base::MonotonicTime began = clock.Now();
        storage::CommitCallback tell_written;
        if (on_written) {
          tell_written = [&](const storage::CommitResult& written) {
            queue->PostControl([on_written, written] { on_written(written); });
          };
        }
        storage::CommitResult result = storage::RunCommit(job, tell_written);
        result.took = clock.Now() - began;
        return result;
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
