#include "daemon/loop/work_share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <vector>

#include "tests/support/await.h"
#include "tests/support/loop_thread.h"

namespace tidemark::daemon {
namespace {

using support::kLongWait;
using support::LoopThread;
using support::WaitFor;
using testing::ElementsAre;

class WorkShareTest : public testing::Test {
 protected:
  ~WorkShareTest() override {
    Release();
    loop_.Run([&] { share_.reset(); });
  }
  // A job that hangs until Release(), and then says its number.
  void Hang(WorkShare& share, int number) {
    share.QueueWork(
        [this, number] {
          ++hanging_;
          released_.wait();
          return number;
        },
        [this](int done) { done_.push_back(done); });
  }
  void Release() {
    if (!std::exchange(is_released_, true)) release_.set_value();
  }
  testing::AssertionResult AwaitDone(std::size_t count) {
    return WaitFor(
        [&] {
          std::size_t done = 0;
          loop_.Run([&] { done = done_.size(); });
          return done == count;
        },
        kLongWait, "the jobs");
  }

  std::optional<WorkShare> share_;
  std::atomic<int> hanging_{0};
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  bool is_released_ = false;
  std::vector<int> done_;
  LoopThread loop_;  // ends first: what it still answers is for the others
};

TEST_F(WorkShareTest, WhatHangsTakesNoMoreThanItsShare) {
  std::size_t running = 0;
  std::size_t waiting = 0;
  loop_.Run([&] {
    share_.emplace(*loop_, 2);
    for (int i = 0; i < 5; ++i) Hang(*share_, i);
    running = share_->running();
    waiting = share_->waiting();
  });
  EXPECT_EQ(running, 2u);
  EXPECT_EQ(waiting, 3u);
  ASSERT_TRUE(WaitFor([&] { return hanging_ == 2; }, kLongWait, "two jobs to hang"));
  // libuv's default is four threads: another's job gets one.
  std::promise<void> other;
  loop_.Run([&] { loop_->QueueWork([] {}, [&] { other.set_value(); }); });
  other.get_future().wait();
  EXPECT_EQ(hanging_, 2);
  Release();
  ASSERT_TRUE(AwaitDone(5));
  loop_.Run([&] {
    running = share_->running();
    waiting = share_->waiting();
  });
  EXPECT_EQ(running, 0u);
  EXPECT_EQ(waiting, 0u);
}

TEST_F(WorkShareTest, BeginsInOrder) {
  loop_.Run([&] {
    share_.emplace(*loop_, 1);
    for (int i = 0; i < 4; ++i) Hang(*share_, i);
  });
  Release();
  ASSERT_TRUE(AwaitDone(4));
  EXPECT_THAT(done_, ElementsAre(0, 1, 2, 3));
}

TEST_F(WorkShareTest, WhatStillWaitsAtItsEndIsRunAndAnswered) {
  loop_.Run([&] {
    share_.emplace(*loop_, 1);
    for (int i = 0; i < 3; ++i) Hang(*share_, i);
    share_.reset();
  });
  Release();
  ASSERT_TRUE(AwaitDone(3));
}

}  // namespace
}  // namespace tidemark::daemon
