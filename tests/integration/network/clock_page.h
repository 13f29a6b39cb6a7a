// What a test and the daemon whose wall clock it moves have in common: one page of a shared file.
//
// The test writes `shift_ns`; the preloaded library adds it to every reading of CLOCK_REALTIME and
// says in `noticed_ns` which shift it applied last, so that the test knows that the jump arrived.
//
// Threading: lock-free, shared between processes.
#pragma once

#include <atomic>
#include <cstdint>

namespace tidemark::network {

inline constexpr char kClockPageVariable[] = "TIDEMARK_CLOCK_PAGE";

struct ClockPage {
  std::atomic<std::int64_t> shift_ns;
  std::atomic<std::int64_t> noticed_ns;
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

}  // namespace tidemark::network
