#include "daemon/loop/drain_signals.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace tidemark::daemon {
namespace {

// What a signal handler may reach: lock-free atomics and uv_async_send(), which libuv documents as
// async-signal-safe.
std::atomic<uv_async_t*> the_async{nullptr};
std::atomic<bool> asked{false};
static_assert(std::atomic<uv_async_t*>::is_always_lock_free);

void OnSignal(int signal_number) {
  const int saved_errno = errno;
  if (asked.exchange(true)) {
    constexpr char kMessage[] = "second signal: exit now, without finishing\n";
    [[maybe_unused]] const auto ignored = write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
    _exit(128 + signal_number);
  }
  if (uv_async_t* async = the_async.load()) uv_async_send(async);
  errno = saved_errno;
}

}  // namespace

DrainSignals::DrainSignals(EventLoop& loop, absl::AnyInvocable<void()> on_drain)
    : loop_(loop), handle_(State{.on_drain = std::move(on_drain)}) {
  loop_.AssertOnLoop();
  TM_CHECK(the_async.load() == nullptr);
  TM_CHECK(uv_async_init(loop_.uv(), handle_.get(), [](uv_async_t* async) {
             State& state = UvHandle<uv_async_t, State>::StateOf(async);
             if (auto on_drain_once = std::exchange(state.on_drain, nullptr)) on_drain_once();
           }) == 0);
  handle_.MarkOpen();
  asked.store(false);
  the_async.store(handle_.get());

  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  TM_CHECK(sigaction(SIGTERM, &action, &former_term_) == 0);
  TM_CHECK(sigaction(SIGINT, &action, &former_int_) == 0);
}

DrainSignals::~DrainSignals() {
  loop_.AssertOnLoop();
  sigaction(SIGTERM, &former_term_, nullptr);
  sigaction(SIGINT, &former_int_, nullptr);
  the_async.store(nullptr);
}

}  // namespace tidemark::daemon
