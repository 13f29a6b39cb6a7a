// Delays between attempts: exponential with full jitter, so that a thousand agents do not come back
// in step.
//
// Pure: the random engine's seed is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

#include "base/clock.h"

namespace tidemark::daemon {

class Backoff {
 public:
  static constexpr base::Duration kFirstCeiling = std::chrono::milliseconds(50);
  static constexpr base::Duration kLastCeiling = std::chrono::seconds(5);

  explicit Backoff(std::uint64_t seed) : random_(seed) {}

  // Uniform in [1 ms, ceiling]; the ceiling doubles with every call from 50 ms to 5 s, or to what
  // LimitTo() said.
  base::Duration Next();
  // After a success.
  void Reset() { ceiling_ = kFirstCeiling; }
  // Of the ceiling, within its first and last; at once.
  void LimitTo(base::Duration ceiling);
  base::Duration ceiling() const { return ceiling_; }

 private:
  std::mt19937_64 random_;
  base::Duration ceiling_ = kFirstCeiling;
  base::Duration last_ceiling_ = kLastCeiling;
};

}  // namespace tidemark::daemon
