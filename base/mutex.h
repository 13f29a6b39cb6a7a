// std::mutex with clang's thread-safety annotations. Product state has no mutex (it lives on the
// loop); these guard only the queues between threads.
//
// Not absl::Mutex: it is not instrumented in Debian's packages, so ThreadSanitizer could not see
// it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TM_TSA_(x) __attribute__((x))
#else
#define TM_TSA_(x)
#endif
#define TM_GUARDED_BY(x) TM_TSA_(guarded_by(x))
#define TM_REQUIRES(...) TM_TSA_(requires_capability(__VA_ARGS__))
#define TM_EXCLUDES(...) TM_TSA_(locks_excluded(__VA_ARGS__))

namespace tidemark::base {

class TM_TSA_(capability("mutex")) Mutex {
 public:
  void lock() TM_TSA_(acquire_capability()) { mutex_.lock(); }
  void unlock() TM_TSA_(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class TM_TSA_(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TM_TSA_(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() TM_TSA_(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class CondVar {
 public:
  // The caller holds `mutex` and re-checks its condition afterwards.
  void Wait(Mutex& mutex) TM_REQUIRES(mutex) { condition_.wait(mutex); }
  // False if `timeout` passed first.
  bool WaitFor(Mutex& mutex, std::chrono::nanoseconds timeout) TM_REQUIRES(mutex) {
    return condition_.wait_for(mutex, timeout) == std::cv_status::no_timeout;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace tidemark::base
