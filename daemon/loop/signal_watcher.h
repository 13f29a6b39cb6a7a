// Calls back on the loop when a signal arrives (SIGHUP: reload). For SIGTERM see drain_signals.h.
//
// Lifetime:  destroyed before its loop closes.
// Threading: confined to the loop.
#pragma once

#include "absl/functional/any_invocable.h"
#include "daemon/loop/event_loop.h"
#include "daemon/loop/uv_handle.h"

namespace tidemark::daemon {

class SignalWatcher {
 public:
  SignalWatcher(EventLoop& loop, int signal_number, absl::AnyInvocable<void()> callback);
  ~SignalWatcher();

 private:
  struct State {
    absl::AnyInvocable<void()> callback;
  };

  EventLoop& loop_;
  UvHandle<uv_signal_t, State> handle_;
};

}  // namespace tidemark::daemon
