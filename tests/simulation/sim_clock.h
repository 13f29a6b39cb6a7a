// Virtual time. The wall clock jumps as it likes: it must decide nothing.
#pragma once

#include "base/clock.h"

namespace tidemark::simulation {

class SimClock final : public base::Clock {
 public:
  base::MonotonicTime Now() const override { return now_; }
  base::WallMillis WallNow() const override {
    return wall_offset_ms_ + now_.since_start() / std::chrono::milliseconds(1);
  }

  void AdvanceTo(base::MonotonicTime time) { now_ = time; }
  void JumpWall(base::WallMillis by) { wall_offset_ms_ += by; }

 private:
  base::MonotonicTime now_{std::chrono::seconds(1000)};
  base::WallMillis wall_offset_ms_ = 1'700'000'000'000;
};

}  // namespace tidemark::simulation
