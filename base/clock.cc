#include "base/clock.h"

#include <ctime>

#include "absl/strings/str_format.h"

namespace tidemark::base {

MonotonicTime SystemClock::Now() const {
  return MonotonicTime(std::chrono::steady_clock::now().time_since_epoch());
}

WallMillis SystemClock::WallNow() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string FormatWallTime(WallMillis wall) {
  // Rounded down, also before 1970, without overflow at the ends.
  const bool borrow = wall % 1000 < 0;
  const std::int64_t millis = wall % 1000 + (borrow ? 1000 : 0);
  const std::time_t seconds = wall / 1000 - (borrow ? 1 : 0);
  std::tm utc{};
  if (gmtime_r(&seconds, &utc) == nullptr) return absl::StrFormat("%dms", wall);
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                         utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, millis);
}

}  // namespace tidemark::base
