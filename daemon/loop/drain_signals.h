// SIGTERM and SIGINT: the first one asks for an orderly drain, on the loop; a second one ends the
// process at once, also when the loop is stuck.
//
// Lifetime:  one per process at a time; destroyed before its loop closes, which restores the former
//            handlers.
// Threading: confined to the loop.
#pragma once

#include <csignal>

#include "absl/functional/any_invocable.h"
#include "daemon/loop/event_loop.h"
#include "daemon/loop/uv_handle.h"

namespace tidemark::daemon {

class DrainSignals {
 public:
  // `on_drain` is called once. The second signal exits with 128 + its number.
  DrainSignals(EventLoop& loop, absl::AnyInvocable<void()> on_drain);
  ~DrainSignals();

 private:
  struct State {
    absl::AnyInvocable<void()> on_drain;
  };

  EventLoop& loop_;
  UvHandle<uv_async_t, State> handle_;
  struct sigaction former_term_ {};
  struct sigaction former_int_ {};
};

}  // namespace tidemark::daemon
