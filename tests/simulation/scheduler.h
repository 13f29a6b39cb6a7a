// Virtual time and what happens in it. Events of one moment come in an order that the seed decides.
//
// What a process has asked for dies with it: an event belongs to one incarnation of its owner. A
// stopped process (SIGSTOP) gets its events when it goes on.
//
// Lifetime:  outlives all who schedule.
// Threading: one thread.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "tests/simulation/random.h"
#include "tests/simulation/sim_clock.h"

namespace tidemark::simulation {

enum class Owner : std::uint8_t { kWorld, kSpu, kController };
inline constexpr std::size_t kOwners = 3;

class Scheduler {
 public:
  using Task = absl::AnyInvocable<void()>;

  explicit Scheduler(std::uint64_t seed) : random_(seed) {}

  void After(base::Duration delay, Owner owner, Task task) {
    At(clock_.Now() + delay, owner, std::move(task));
  }
  void At(base::MonotonicTime time, Owner owner, Task task);
  // Everything this owner still waits for is void.
  void NewIncarnation(Owner owner) { ++process_[static_cast<std::size_t>(owner)].incarnation; }
  void Pause(Owner owner, base::MonotonicTime until) {
    process_[static_cast<std::size_t>(owner)].paused_until = until;
  }

  // Does the next event; false if there is none before `until` (then it is `until`).
  bool Step(base::MonotonicTime until);

  const SimClock& clock() const { return clock_; }
  SimClock& clock() { return clock_; }
  base::MonotonicTime now() const { return clock_.Now(); }
  std::uint64_t events() const { return events_; }

 private:
  // Small, since the heap moves it often: the task stays where it is.
  struct Item {
    base::MonotonicTime time;
    std::uint64_t order = 0;
    std::uint64_t incarnation = 0;
    std::uint32_t task = 0;
    Owner owner = Owner::kWorld;
  };
  struct Later {
    bool operator()(const Item& a, const Item& b) const {
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };
  struct Process {
    std::uint64_t incarnation = 0;
    base::MonotonicTime paused_until;
  };

  Task Take(const Item& item);

  SimClock clock_;
  Random random_;
  std::vector<Item> heap_;
  std::vector<Task> tasks_;
  std::vector<std::uint32_t> free_tasks_;
  std::array<Process, kOwners> process_;
  std::uint64_t events_ = 0;
};

}  // namespace tidemark::simulation
