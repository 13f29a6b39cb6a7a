// The one way into the loop thread: a bounded queue of tasks from any thread.
//
// Data messages are refused when the queue is full; control messages (completions, signals, results
// of worker threads) are exempt, because they are bounded by what the loop itself asked for.
// Shared ownership lets a thread that hangs in the kernel outlive the loop: what it posts after
// Close() is dropped.
//
// Lifetime:  shared by the loop and by every thread that posts; `wake` is not called after Close().
// Threading: TryPost(), PostControl(), Close() and the counters from any thread; RunSome() from the
//            loop.
// Errors:    a refused or late task is reported by `false`, nothing else.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "base/byte_size.h"
#include "base/mutex.h"

namespace tidemark::daemon {

class TaskQueue {
 public:
  using Task = absl::AnyInvocable<void()>;

  struct Limits {
    std::size_t tasks = 16384;
    std::size_t bytes = 64 * base::kMiB;
  };

  // `wake` is called, under the queue's lock, when a task arrives in an empty queue.
  TaskQueue(Limits limits, Task wake);

  // False when full or closed; `task` is then untouched. `bytes` is what the task keeps alive.
  bool TryPost(Task&& task, std::size_t bytes);
  // False only when closed.
  bool PostControl(Task&& task);

  // Runs up to `limit` tasks, in order, each counted as queued until it has run. True if some
  // remain.
  bool RunSome(std::size_t limit);

  // Destroys what waits and refuses everything from now on.
  void Close();

  std::size_t size() const;
  std::size_t bytes() const;

 private:
  struct Entry {
    Task task;
    std::size_t bytes = 0;
  };

  std::optional<Entry> TakeFirst();
  void PushLocked(Task&& task, std::size_t bytes) TM_REQUIRES(mutex_);

  const Limits limits_;
  mutable base::Mutex mutex_;
  Task wake_ TM_GUARDED_BY(mutex_);
  std::deque<Entry> entries_ TM_GUARDED_BY(mutex_);
  std::size_t bytes_ TM_GUARDED_BY(mutex_) = 0;
  bool closed_ TM_GUARDED_BY(mutex_) = false;
};

}  // namespace tidemark::daemon
