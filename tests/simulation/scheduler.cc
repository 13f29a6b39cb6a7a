#include "tests/simulation/scheduler.h"

#include <algorithm>

namespace tidemark::simulation {

void Scheduler::At(base::MonotonicTime time, Owner owner, Task task) {
  heap_.push_back(Item{std::max(time, clock_.Now()), random_.Next(), owner,
                       process_[static_cast<std::size_t>(owner)].incarnation, std::move(task)});
  std::push_heap(heap_.begin(), heap_.end(), Later());
}

bool Scheduler::Step(base::MonotonicTime until) {
  while (!heap_.empty() && heap_.front().time <= until) {
    std::pop_heap(heap_.begin(), heap_.end(), Later());
    Item item = std::move(heap_.back());
    heap_.pop_back();
    const Process& process = process_[static_cast<std::size_t>(item.owner)];
    if (item.incarnation != process.incarnation) continue;
    if (item.time < process.paused_until) {
      item.time = process.paused_until;
      heap_.push_back(std::move(item));
      std::push_heap(heap_.begin(), heap_.end(), Later());
      continue;
    }
    // Nothing happens at the very same time.
    clock_.AdvanceTo(std::max(item.time, clock_.Now() + base::Duration(1)));
    ++events_;
    item.task();
    return true;
  }
  clock_.AdvanceTo(std::max(until, clock_.Now()));
  return false;
}

}  // namespace tidemark::simulation
