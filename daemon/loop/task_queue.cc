#include "daemon/loop/task_queue.h"

#include <utility>

namespace tidemark::daemon {

TaskQueue::TaskQueue(Limits limits, Task wake) : limits_(limits), wake_(std::move(wake)) {}

void TaskQueue::PushLocked(Task&& task, std::size_t bytes) {
  const bool was_empty = entries_.empty();
  entries_.push_back(Entry{.task = std::move(task), .bytes = bytes});
  bytes_ += bytes;
  if (was_empty) wake_();
}

bool TaskQueue::TryPost(Task&& task, std::size_t bytes) {
  base::MutexLock lock(mutex_);
  const bool full = entries_.size() >= limits_.tasks || bytes_ + bytes > limits_.bytes;
  if (closed_ || full) return false;
  PushLocked(std::move(task), bytes);
  return true;
}

bool TaskQueue::PostControl(Task&& task) {
  base::MutexLock lock(mutex_);
  if (closed_) return false;
  PushLocked(std::move(task), 0);
  return true;
}

bool TaskQueue::RunSome(std::size_t limit) {
  for (std::size_t i = 0; i < limit; ++i) {
    std::optional<Entry> entry = TakeFirst();
    if (!entry.has_value()) return false;
    entry->task();
    entry->task = nullptr;  // what it captured goes before its bytes are given back
    base::MutexLock lock(mutex_);
    bytes_ -= entry->bytes;
  }
  return size() > 0;
}

std::optional<TaskQueue::Entry> TaskQueue::TakeFirst() {
  base::MutexLock lock(mutex_);
  if (entries_.empty()) return std::nullopt;
  std::optional<Entry> entry(std::move(entries_.front()));
  entries_.pop_front();
  return entry;
}

void TaskQueue::Close() {
  std::deque<Entry> dropped;  // destroyed without the lock: a destructor may post
  Task wake;
  {
    base::MutexLock lock(mutex_);
    closed_ = true;
    dropped.swap(entries_);
    bytes_ = 0;
    wake = std::move(wake_);
  }
}

std::size_t TaskQueue::size() const {
  base::MutexLock lock(mutex_);
  return entries_.size();
}

std::size_t TaskQueue::bytes() const {
  base::MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace tidemark::daemon
