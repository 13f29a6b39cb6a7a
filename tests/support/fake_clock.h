// A clock that moves only when told to.
//
// Threading: any thread.
#pragma once

#include "base/clock.h"
#include "base/mutex.h"

namespace tidemark::support {

class FakeClock final : public base::Clock {
 public:
  static constexpr base::WallMillis kStartWall = 1'790'000'000'000;

  base::MonotonicTime Now() const override {
    base::MutexLock lock(mutex_);
    return now_;
  }
  base::WallMillis WallNow() const override {
    base::MutexLock lock(mutex_);
    return wall_;
  }

  // Both clocks.
  void Advance(base::Duration by) {
    base::MutexLock lock(mutex_);
    now_ = now_ + by;
    wall_ += std::chrono::duration_cast<std::chrono::milliseconds>(by).count();
  }
  // A clock jump: only the wall moves.
  void SetWall(base::WallMillis wall) {
    base::MutexLock lock(mutex_);
    wall_ = wall;
  }

 private:
  mutable base::Mutex mutex_;
  base::MonotonicTime now_ TM_GUARDED_BY(mutex_){base::Duration(std::chrono::hours(1))};
  base::WallMillis wall_ TM_GUARDED_BY(mutex_) = kStartWall;
};

}  // namespace tidemark::support
