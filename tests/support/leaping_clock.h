// The real clock, and leaps forward: what is due in half an hour is due now.
//
// Threading: any thread.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace tidemark::support {

class LeapingClock final : public base::Clock {
 public:
  base::MonotonicTime Now() const override { return real_.Now() + ahead(); }
  base::WallMillis WallNow() const override {
    return real_.WallNow() + std::chrono::duration_cast<std::chrono::milliseconds>(ahead()).count();
  }

  // Both clocks.
  void Leap(base::Duration by) { ahead_ += by.count(); }

 private:
  base::Duration ahead() const { return base::Duration(ahead_.load()); }

  base::SystemClock real_;
  std::atomic<base::Duration::rep> ahead_ = 0;
};

}  // namespace tidemark::support
