#include "daemon/loop/signal_watcher.h"

#include <utility>

#include "base/check.h"

namespace tidemark::daemon {

SignalWatcher::SignalWatcher(EventLoop& loop, int signal_number,
                             absl::AnyInvocable<void()> callback)
    : loop_(loop), handle_(State{.callback = std::move(callback)}) {
  loop_.AssertOnLoop();
  TM_CHECK(uv_signal_init(loop_.uv(), handle_.get()) == 0);
  handle_.MarkOpen();
  TM_CHECK(uv_signal_start(
               handle_.get(),
               [](uv_signal_t* watcher, int) {
                 UvHandle<uv_signal_t, State>::StateOf(watcher).callback();
               },
               signal_number) == 0);
}

SignalWatcher::~SignalWatcher() { loop_.AssertOnLoop(); }

}  // namespace tidemark::daemon
