#include "daemon/loop/work_share.h"

namespace tidemark::daemon {

WorkShare::~WorkShare() {
  alive_.reset();
  for (EventLoop::Task& begin : std::exchange(waiting_, {})) begin();
}

void WorkShare::Submit(EventLoop::Task begin) {
  loop_.AssertOnLoop();
  if (running_ == most_) return waiting_.push_back(std::move(begin));
  ++running_;
  begin();
}

void WorkShare::Returned() {
  if (waiting_.empty()) {
    --running_;
    return;
  }
  EventLoop::Task next = std::move(waiting_.front());
  waiting_.pop_front();
  next();
}

}  // namespace tidemark::daemon
