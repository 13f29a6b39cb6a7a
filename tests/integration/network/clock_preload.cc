// LD_PRELOADed into a daemon: moves its wall clock by what a shared page says, and nothing else.
// CLOCK_MONOTONIC stays what it is, as it does when a person or NTP steps the real clock.
//
// Two kinds of calls meet the wall clock: those that read it, and futex waits until an absolute
// CLOCK_REALTIME (absl's mutexes, and through them gRPC's timers). The kernel would end such a wait
// by the real clock, so it is cut into short slices and looks at the moved clock after each: a
// clock that is set back makes the wait longer, as it does in truth.
//
// Not libfaketime: it does not see the futexes.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <ctime>

#include "tests/integration/network/clock_page.h"

namespace {

using tidemark::network::ClockPage;
using Syscall = long (*)(long, ...);

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kSlice = kSecond / 50;

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

ClockPage* MapPage() {
  const char* path = std::getenv(tidemark::network::kClockPageVariable);
  const int fd = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) abort();  // a test that moves no clock would prove nothing
  void* page = mmap(nullptr, sizeof(ClockPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (page == MAP_FAILED) abort();
  return static_cast<ClockPage*>(page);
}

std::int64_t Shift() {
  static ClockPage* const page = MapPage();
  const std::int64_t shift = page->shift_ns.load();
  page->noticed_ns.store(shift);
  return shift;
}

std::int64_t ToNanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

timespec ToTimespec(std::int64_t nanoseconds) {
  return {.tv_sec = nanoseconds / kSecond, .tv_nsec = nanoseconds % kSecond};
}

int RealClock(clockid_t clock, timespec* time) {
  static const auto next = Next<int (*)(clockid_t, timespec*)>("clock_gettime");
  return next(clock, time);
}

std::int64_t RealNow() {
  timespec time{};
  RealClock(CLOCK_REALTIME, &time);
  return ToNanoseconds(time);
}

std::int64_t MovedNow() { return RealNow() + Shift(); }

bool WaitsByWallClock(long number, long operation, long timeout) {
  return number == SYS_futex && timeout != 0 && (operation & FUTEX_CLOCK_REALTIME) != 0 &&
         (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
}

long WaitInSlices(Syscall next, long number, const long (&arguments)[6]) {
  const std::int64_t deadline = ToNanoseconds(*reinterpret_cast<const timespec*>(arguments[3]));
  for (;;) {
    const std::int64_t left = std::max<std::int64_t>(0, deadline - MovedNow());
    const timespec until = ToTimespec(RealNow() + std::min(left, kSlice));
    const long result =
        next(number, arguments[0], arguments[1], arguments[2], &until, arguments[4], arguments[5]);
    if (result == 0 || errno != ETIMEDOUT || left <= kSlice) return result;
  }
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int result = RealClock(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    *time = ToTimespec(ToNanoseconds(*time) + Shift());
  }
  return result;
}

int gettimeofday(timeval* time, void* /*zone*/) noexcept {
  const std::int64_t now = MovedNow();
  *time = {.tv_sec = now / kSecond, .tv_usec = now % kSecond / 1000};
  return 0;
}

time_t time(time_t* where) noexcept {
  const time_t now = MovedNow() / kSecond;
  if (where != nullptr) *where = now;
  return now;
}

int timespec_get(timespec* time, int base) noexcept {
  if (base == TIME_UTC) *time = ToTimespec(MovedNow());
  return base == TIME_UTC ? base : 0;
}

long syscall(long number, ...) noexcept {
  // Not a guarded static: who waits for its guard does so with this very call, and found itself
  // here again, until the stack ended.
  static std::atomic<Syscall> found{nullptr};
  Syscall next = found.load(std::memory_order_relaxed);
  if (next == nullptr) {
    next = Next<Syscall>("syscall");
    found.store(next, std::memory_order_relaxed);
  }
  long arguments[6];
  va_list list;
  va_start(list, number);
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  if (WaitsByWallClock(number, arguments[1], arguments[3])) {
    return WaitInSlices(next, number, arguments);
  }
  return next(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
              arguments[5]);
}

}  // extern "C"
