// One named thread for system calls that may be slow or hang: a volume's commits, its statvfs, the
// SC's SQLite.
//
// Jobs run in order; each `done` runs on the loop. A call that never returns (statvfs on a dead
// mount) must not hold up anything: the owner sees busy_for() grow, and abandons the thread; it
// then keeps its own state alive until the kernel lets it go.
//
// Lifetime:  the destructor runs what is queued and joins, unless abandoned. After the destructor,
//            Abandon() or StopWithin(), no `done` runs any more.
// Threading: confined to the loop, but busy_for() from any thread. Jobs run on the thread.
// Errors:    TryRun() → false when the queue is full or the thread was stopped.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/clock.h"
#include "daemon/loop/event_loop.h"

namespace tidemark::daemon {

class WorkerThread {
 public:
  using Task = EventLoop::Task;

  // `name` is cut to the kernel's 15 characters.
  WorkerThread(EventLoop& loop, const std::string& name, std::size_t queue_limit);
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  // Runs `work` on the thread, then `done(result)` (or `done()` for a void work) on the loop.
  // What `work` captures must survive the owner if the owner may abandon the thread.
  template <typename Work, typename Done>
  bool TryRun(Work work, Done done) {
    using Result = std::invoke_result_t<Work&>;
    if constexpr (std::is_void_v<Result>) {
      return Push(std::move(work), std::move(done));
    } else {
      auto result = std::make_shared<std::optional<Result>>();
      return Push([result, work = std::move(work)]() mutable { result->emplace(work()); },
                  [result, done = std::move(done)]() mutable { done(*std::move(*result)); });
    }
  }

  // Jobs not yet done, the running one included.
  std::size_t pending() const;
  // How long the running job has run; zero when idle.
  base::Duration busy_for() const;

  // Runs what is queued and joins; abandons if that takes longer than `grace`. False if abandoned.
  bool StopWithin(base::Duration grace);
  // Drops what is queued and leaves the running job to itself.
  void Abandon();

 private:
  struct Shared;
  struct Alive {
    bool value = true;
  };

  bool Push(Task work, Task done);

  EventLoop& loop_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Alive> alive_;
  std::thread thread_;
};

}  // namespace tidemark::daemon
