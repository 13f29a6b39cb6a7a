// Time as an argument: decisions take a MonotonicTime, and only edges own a Clock.
//
// Threading: SystemClock is safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tidemark::base {

using Duration = std::chrono::nanoseconds;

// A hundred years. A Duration ends after 292: a larger number from outside came out negative, and
// "keep for ever" expired all there was.
inline constexpr std::int64_t kCenturyMillis = 3'155'760'000'000;
constexpr Duration MillisUpToACentury(std::int64_t milliseconds) {
  return std::chrono::milliseconds(milliseconds < kCenturyMillis ? milliseconds : kCenturyMillis);
}

// Only differences mean something; not comparable across processes or boots. Decides intervals.
class MonotonicTime {
 public:
  constexpr MonotonicTime() = default;
  constexpr explicit MonotonicTime(Duration since_start) : since_start_(since_start) {}
  constexpr Duration since_start() const { return since_start_; }
  constexpr auto operator<=>(const MonotonicTime&) const = default;
  friend constexpr MonotonicTime operator+(MonotonicTime t, Duration d) {
    return MonotonicTime(t.since_start_ + d);
  }
  friend constexpr MonotonicTime operator-(MonotonicTime t, Duration d) {
    return MonotonicTime(t.since_start_ - d);
  }
  friend constexpr Duration operator-(MonotonicTime a, MonotonicTime b) {
    return a.since_start_ - b.since_start_;
  }

 private:
  Duration since_start_{0};
};

// Milliseconds since the Unix epoch, for people's eyes and record timestamps. Decides nothing.
using WallMillis = std::int64_t;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime Now() const = 0;
  virtual WallMillis WallNow() const = 0;
};

class SystemClock final : public Clock {
 public:
  MonotonicTime Now() const override;
  WallMillis WallNow() const override;
};

// 2026-11-23T03:44:44.123Z
std::string FormatWallTime(WallMillis wall);

}  // namespace tidemark::base
