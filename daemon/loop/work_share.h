// One owner's part of libuv's pool, so that its work, should all of it hang, leaves threads to the
// others.
//
// At most so many jobs are in the pool at once; the rest wait here, in order.
//
// Lifetime:  may go while its jobs are in the pool. What still waits then goes to the pool at once:
//            every job is run and answered.
// Threading: confined to the loop; jobs run on the pool.
// Errors:    none of its own.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include "daemon/loop/event_loop.h"

namespace tidemark::daemon {

class WorkShare {
 public:
  WorkShare(EventLoop& loop, std::size_t most) : loop_(loop), most_(most) {}
  WorkShare(const WorkShare&) = delete;
  WorkShare& operator=(const WorkShare&) = delete;
  ~WorkShare();

  // As EventLoop::QueueWork().
  template <typename Work, typename Done>
  void QueueWork(Work work, Done done) {
    Submit([this, guard = std::weak_ptr(alive_), &loop = loop_, work = std::move(work),
            done = std::move(done)]() mutable {
      loop.QueueWork(std::move(work), [this, guard = std::move(guard),
                                       done = std::move(done)](auto&&... result) mutable {
        if (!guard.expired()) Returned();
        done(std::forward<decltype(result)>(result)...);
      });
    });
  }

  std::size_t running() const { return running_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  void Submit(EventLoop::Task begin);
  void Returned();

  EventLoop& loop_;
  const std::size_t most_;
  std::size_t running_ = 0;
  std::deque<EventLoop::Task> waiting_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tidemark::daemon
