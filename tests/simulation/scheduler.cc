#include "tests/simulation/scheduler.h"

#include <algorithm>

namespace tidemark::simulation {

void Scheduler::At(base::MonotonicTime time, Owner owner, Task task) {
  if (free_tasks_.empty()) {
    free_tasks_.push_back(static_cast<std::uint32_t>(tasks_.size()));
    tasks_.emplace_back();
  }
  const std::uint32_t place = free_tasks_.back();
  free_tasks_.pop_back();
  tasks_[place] = std::move(task);
  heap_.push_back(Item{std::max(time, clock_.Now()), random_.Next(),
                       process_[static_cast<std::size_t>(owner)].incarnation, place, owner});
  std::push_heap(heap_.begin(), heap_.end(), Later());
}

Scheduler::Task Scheduler::Take(const Item& item) {
  free_tasks_.push_back(item.task);
  return std::exchange(tasks_[item.task], nullptr);
}

bool Scheduler::Step(base::MonotonicTime until) {
  while (!heap_.empty() && heap_.front().time <= until) {
    std::pop_heap(heap_.begin(), heap_.end(), Later());
    Item item = heap_.back();
    heap_.pop_back();
    const Process& process = process_[static_cast<std::size_t>(item.owner)];
    if (item.incarnation != process.incarnation) {
      Take(item);
      continue;
    }
    if (item.time < process.paused_until) {
      item.time = process.paused_until;
      heap_.push_back(item);
      std::push_heap(heap_.begin(), heap_.end(), Later());
      continue;
    }
    // Nothing happens at the very same time.
    clock_.AdvanceTo(std::max(item.time, clock_.Now() + base::Duration(1)));
    ++events_;
    Take(item)();
    return true;
  }
  clock_.AdvanceTo(std::max(until, clock_.Now()));
  return false;
}

}  // namespace tidemark::simulation
