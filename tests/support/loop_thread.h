// An EventLoop on a thread of its own, for tests that stand outside it.
//
//   LoopThread loop;
//   loop.Run([&] { timer.emplace(*loop, …); });   // blocks until it has run on the loop
//
// Lifetime:  the destructor stops the loop, joins, and gives the loop to the calling thread, so
// that
//            what was made on it and declared before it may be destroyed here.
// Threading: used from the test's thread.
#pragma once

#include <functional>
#include <future>
#include <thread>

#include "daemon/loop/event_loop.h"

namespace tidemark::support {

class LoopThread {
 public:
  explicit LoopThread(daemon::EventLoopOptions options = {}) : loop_(options) { Start(); }
  ~LoopThread() { Stop(); }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  daemon::EventLoop& operator*() { return loop_; }
  daemon::EventLoop* operator->() { return &loop_; }

  void Run(const std::function<void()>& task) {
    std::promise<void> ran;
    loop_.PostControl([&] {
      task();
      ran.set_value();
    });
    ran.get_future().wait();
  }

  // Afterwards the loop belongs to the calling thread.
  void Stop() {
    if (!thread_.joinable()) return;
    loop_.Stop();
    thread_.join();
    loop_.AdoptThread();
  }

 private:
  void Start() {
    thread_ = std::thread([this] { loop_.Run(); });
    Run([] {});  // from here on the loop belongs to its thread
  }

  daemon::EventLoop loop_;
  std::thread thread_;
};

}  // namespace tidemark::support
