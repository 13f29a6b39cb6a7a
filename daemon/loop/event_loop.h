// The one thread that owns everything that changes.
//
// Other threads reach it only through TryPost() and PostControl(); no mutex guards product state.
// What can block goes to QueueWork() (libuv's pool: allocation, cold reads, unlink) or to a
// WorkerThread (what may hang for ever).
//
// Order of an end: the daemon drains, calls Stop(); Run() runs every task accepted before that and
// returns; the owner destroys its timers, watchers and acceptors; CloseWithin() or the destructor
// closes the loop. Tasks and completions that arrive after Run() returned are dropped, not run.
//
// Lifetime:  outlives every Timer, SignalWatcher, TcpAcceptor and WorkerThread made on it.
// Threading: constructed, run and destroyed by the loop thread (see AdoptThread()); TryPost(),
//            PostControl(), Stop(), OnLoop() and the counters from any thread.
// Errors:    a call from the wrong thread, or a handle still open at the end, aborts: our own bug.
#pragma once

#include <uv.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "daemon/loop/loop_heartbeat.h"
#include "daemon/loop/task_queue.h"

namespace tidemark::daemon {

struct EventLoopOptions {
  TaskQueue::Limits queue{};
  base::Duration heartbeat_interval = std::chrono::milliseconds(250);
};

class EventLoop {
 public:
  using Task = TaskQueue::Task;

  explicit EventLoop(EventLoopOptions options = {});
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Turns until Stop().
  void Run();
  void Stop();
  // Hands the loop to the calling thread while it does not run (tests run it on a thread of their
  // own and destroy its objects elsewhere).
  void AdoptThread();

  // Data messages: false when the queue is full (`task` is then untouched) or the loop has ended.
  // `bytes` is what the task keeps alive.
  bool TryPost(Task&& task, std::size_t bytes);
  // Completions and control: never refused for want of room. False when the loop has ended.
  bool PostControl(Task task);

  bool OnLoop() const { return owner_.load() == std::this_thread::get_id(); }
  void AssertOnLoop() const { TM_CHECK(OnLoop()); }

  // Runs `work` on libuv's pool, then `done(result)` (or `done()` for a void work) on the loop.
  template <typename Work, typename Done>
  void QueueWork(Work work, Done done) {
    using Result = std::invoke_result_t<Work&>;
    if constexpr (std::is_void_v<Result>) {
      QueueTasks(std::move(work), std::move(done));
    } else {
      auto result = std::make_shared<std::optional<Result>>();
      QueueTasks([result, work = std::move(work)]() mutable { result->emplace(work()); },
                 [result, done = std::move(done)]() mutable { done(*std::move(*result)); });
    }
  }
  std::size_t work_in_flight() const { return work_in_flight_.load(); }

  // Closes the loop. False if pool work was still running after `grace`: then its memory is left
  // to the process's end. Called by the destructor without a limit if nobody did before.
  bool CloseWithin(base::Duration grace);

  // For threads that may outlive the loop.
  const std::shared_ptr<TaskQueue>& queue() const { return queue_; }
  const std::shared_ptr<LoopHeartbeat>& heartbeat() const { return heartbeat_; }
  // For the RAII handles of this folder only.
  uv_loop_t* uv() const;

 private:
  struct Handles;
  struct WorkRequest;

  void QueueTasks(Task work, Task done);
  void RunQueued();
  bool Close(std::optional<base::Duration> grace);

  std::atomic<std::thread::id> owner_;
  std::atomic<std::size_t> work_in_flight_{0};
  std::atomic<bool> running_{false};
  bool closing_ = false;  // completions are dropped from here on
  std::unique_ptr<Handles> handles_;
  std::shared_ptr<TaskQueue> queue_;
  std::shared_ptr<LoopHeartbeat> heartbeat_;
};

}  // namespace tidemark::daemon
