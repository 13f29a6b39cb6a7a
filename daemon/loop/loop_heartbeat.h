// When the loop last turned, and how late it was: what health and metrics may read while it is
// stuck.
//
// Lifetime:  shared by the loop (writer) and any reader.
// Threading: Beat() from the loop; everything else from any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace tidemark::daemon {

class LoopHeartbeat {
 public:
  // `interval` is how often an idle loop beats.
  LoopHeartbeat(base::Duration interval, base::MonotonicTime now);

  void Beat(base::MonotonicTime now);

  std::uint64_t beats() const { return beats_.load(std::memory_order_relaxed); }
  base::MonotonicTime last_beat() const;
  // Time since the last beat.
  base::Duration Age(base::MonotonicTime now) const { return now - last_beat(); }
  // How late the last beat was, or how late the missing one is by now.
  base::Duration Lag(base::MonotonicTime now) const;

 private:
  const base::Duration interval_;
  std::atomic<std::int64_t> last_beat_ns_;
  std::atomic<std::int64_t> lag_ns_{0};
  std::atomic<std::uint64_t> beats_{0};
};

}  // namespace tidemark::daemon
