// A one-shot or periodic timer on the loop.
//
// Lifetime:  the callback may destroy the Timer. Destroyed before its loop closes.
// Threading: confined to the loop.
#pragma once

#include <chrono>

#include "absl/functional/any_invocable.h"
#include "base/clock.h"
#include "daemon/loop/event_loop.h"
#include "daemon/loop/uv_handle.h"

namespace tidemark::daemon {

class Timer {
 public:
  Timer(EventLoop& loop, absl::AnyInvocable<void()> callback);
  ~Timer();

  // Rounded up to milliseconds. Starting again replaces what was set.
  void StartOnce(base::Duration delay);
  // First after one `interval`. A late loop skips beats, it does not catch up.
  void StartPeriodic(base::Duration interval);
  void Stop();
  bool active() const;

 private:
  struct State {
    absl::AnyInvocable<void()> callback;
  };

  void Start(base::Duration delay, base::Duration repeat);

  EventLoop& loop_;
  UvHandle<uv_timer_t, State> handle_;
};

}  // namespace tidemark::daemon
