#include "daemon/loop/backoff.h"

#include <algorithm>

namespace tidemark::daemon {

base::Duration Backoff::Next() {
  constexpr base::Duration kShortest = std::chrono::milliseconds(1);
  std::uniform_int_distribution<base::Duration::rep> spread(kShortest.count(), ceiling_.count());
  const base::Duration delay(spread(random_));
  ceiling_ = std::min(ceiling_ * 2, last_ceiling_);
  return delay;
}

void Backoff::LimitTo(base::Duration ceiling) {
  last_ceiling_ = std::clamp(ceiling, kFirstCeiling, kLastCeiling);
  ceiling_ = std::min(ceiling_, last_ceiling_);
}

}  // namespace tidemark::daemon
