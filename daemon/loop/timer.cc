#include "daemon/loop/timer.h"

#include <cstdint>
#include <utility>

#include "base/check.h"

namespace tidemark::daemon {
namespace {

// Up, so that a timer never fires early.
std::uint64_t Milliseconds(base::Duration duration) {
  if (duration <= base::Duration(0)) return 0;
  return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

}  // namespace

Timer::Timer(EventLoop& loop, absl::AnyInvocable<void()> callback)
    : loop_(loop), handle_(State{.callback = std::move(callback)}) {
  loop_.AssertOnLoop();
  TM_CHECK(uv_timer_init(loop_.uv(), handle_.get()) == 0);
  handle_.MarkOpen();
}

Timer::~Timer() { loop_.AssertOnLoop(); }

void Timer::StartOnce(base::Duration delay) { Start(delay, base::Duration(0)); }

void Timer::StartPeriodic(base::Duration interval) {
  TM_CHECK(interval > base::Duration(0));
  Start(interval, interval);
}

void Timer::Start(base::Duration delay, base::Duration repeat) {
  loop_.AssertOnLoop();
  // The loop's cached time is that of its last turn: a long callback would shorten the delay.
  uv_update_time(loop_.uv());
  TM_CHECK(uv_timer_start(
               handle_.get(),
               [](uv_timer_t* timer) { UvHandle<uv_timer_t, State>::StateOf(timer).callback(); },
               Milliseconds(delay), Milliseconds(repeat)) == 0);
}

void Timer::Stop() {
  loop_.AssertOnLoop();
  uv_timer_stop(handle_.get());
}

bool Timer::active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.get())) != 0;
}

}  // namespace tidemark::daemon
