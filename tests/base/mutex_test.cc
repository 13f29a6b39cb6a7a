#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace tidemark::base {
namespace {

class Counter {
 public:
  void Add() TM_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ++count_;
    changed_.NotifyAll();
  }
  void WaitFor(int count) TM_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (count_ < count) changed_.Wait(mutex_);
  }
  bool WaitForever(std::chrono::nanoseconds timeout) TM_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (count_ >= 0) {
      if (!changed_.WaitFor(mutex_, timeout)) return false;
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ TM_GUARDED_BY(mutex_) = 0;
};

TEST(Mutex, NoIncrementIsLostAndEveryWaiterIsWoken) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 1000;
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&counter] {
      for (int round = 0; round < kRounds; ++round) counter.Add();
    });
    threads.emplace_back([&counter] { counter.WaitFor(kThreads * kRounds); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Mutex, AWaitEndsAtItsTimeout) {
  Counter counter;
  EXPECT_FALSE(counter.WaitForever(std::chrono::milliseconds(1)));
}

}  // namespace
}  // namespace tidemark::base
