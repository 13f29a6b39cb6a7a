// The thread of one volume that writes and syncs batches. It only makes system calls: the loop
// decides what, and applies the results.
//
// Lifetime:  the destructor finishes what was submitted; a thread stuck in the kernel can be given
// up
//            with StopWithin().
// Threading: Submit() on the loop; both callbacks on the loop, on_written first.
// Errors:    as storage::RunCommit; kUnavailable if the thread was stopped.
#pragma once

#include <string>

#include "daemon/loop/worker_thread.h"
#include "storage/log/committer.h"

namespace tidemark::spu {

class CommitThread final : public storage::Committer {
 public:
  CommitThread(daemon::EventLoop& loop, const std::string& name);

  void Submit(storage::CommitJob job, storage::CommitCallback on_written,
              storage::CommitCallback on_synced) override;

  // How long the running job has run: a disk that stalls shows here.
  base::Duration busy_for() const { return thread_.busy_for(); }
  bool StopWithin(base::Duration grace) { return thread_.StopWithin(grace); }

 private:
  daemon::EventLoop& loop_;
  daemon::WorkerThread thread_;
};

}  // namespace tidemark::spu
