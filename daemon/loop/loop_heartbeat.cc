#include "daemon/loop/loop_heartbeat.h"

#include <algorithm>

namespace tidemark::daemon {

LoopHeartbeat::LoopHeartbeat(base::Duration interval, base::MonotonicTime now)
    : interval_(interval), last_beat_ns_(now.since_start().count()) {}

void LoopHeartbeat::Beat(base::MonotonicTime now) {
  lag_ns_.store(std::max(Age(now) - interval_, base::Duration(0)).count(),
                std::memory_order_relaxed);
  last_beat_ns_.store(now.since_start().count(), std::memory_order_relaxed);
  beats_.fetch_add(1, std::memory_order_relaxed);
}

base::MonotonicTime LoopHeartbeat::last_beat() const {
  return base::MonotonicTime(base::Duration(last_beat_ns_.load(std::memory_order_relaxed)));
}

base::Duration LoopHeartbeat::Lag(base::MonotonicTime now) const {
  return std::max(base::Duration(lag_ns_.load(std::memory_order_relaxed)), Age(now) - interval_);
}

}  // namespace tidemark::daemon
