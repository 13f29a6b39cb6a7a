// How long to wait between records, so that at most so many go out in a second.
//
// What a stall has kept back is not made up for: a volume that was full for a minute would get a
// minute's records at once. Only a tenth of a second is, since a sleep always takes too long.
//
// Lifetime:  value type.
// Threading: confined; time is an argument.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace tidemark::cli {

class Pace {
 public:
  Pace(std::int64_t records_per_second, base::MonotonicTime now)
      : interval_(std::chrono::duration_cast<base::Duration>(
            std::chrono::duration<double>(1.0 / static_cast<double>(records_per_second)))),
        due_(now) {}

  // After a record was sent: the time until the next one may be; zero or less: now.
  base::Duration UntilNext(base::MonotonicTime now) {
    due_ = std::max(due_, now - kMadeUpFor) + interval_;
    return due_ - now;
  }

 private:
  static constexpr base::Duration kMadeUpFor = std::chrono::milliseconds(100);

  base::Duration interval_;
  base::MonotonicTime due_;
};

}  // namespace tidemark::cli
