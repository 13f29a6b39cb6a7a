#include "daemon/loop/worker_thread.h"

#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/await.h"
#include "tests/support/loop_thread.h"

namespace tidemark::daemon {
namespace {

using std::chrono_literals::operator""ms;
using support::kLongWait;
using support::LoopThread;
using support::WaitFor;
using testing::ElementsAre;

// A job that hangs until it is released, like statvfs on a dead mount.
struct HungJob {
  std::promise<void> entered;
  std::promise<void> release;
  std::promise<void> returned;

  void Run() {
    entered.set_value();
    release.get_future().wait();
    returned.set_value();
  }
};

TEST(WorkerThreadTest, RunsJobsInOrderAndRepliesOnTheLoop) {
  EventLoop loop;
  WorkerThread worker(loop, "a name longer than fifteen", 8);
  std::vector<int> done;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(worker.TryRun(
        [&loop, i] {
          EXPECT_FALSE(loop.OnLoop());
          return i * 10;
        },
        [&](int result) {
          loop.AssertOnLoop();
          done.push_back(result);
          if (done.size() == 3) loop.Stop();
        }));
  }
  loop.Run();
  EXPECT_THAT(done, ElementsAre(0, 10, 20));
  EXPECT_EQ(worker.busy_for(), base::Duration(0));
}

TEST(WorkerThreadTest, RefusesJobsBeyondItsLimit) {
  EventLoop loop;
  const auto hung = std::make_shared<HungJob>();
  WorkerThread worker(loop, "test", 1);
  EXPECT_TRUE(worker.TryRun([hung] { hung->Run(); }, [] {}));
  hung->entered.get_future().wait();
  EXPECT_TRUE(worker.TryRun([] {}, [] {}));
  EXPECT_FALSE(worker.TryRun([] {}, [] {}));
  EXPECT_EQ(worker.pending(), 2U);
  hung->release.set_value();
}

TEST(WorkerThreadTest, TheDestructorRunsWhatIsQueuedButNoReplyAfterwards) {
  EventLoop loop;
  int ran = 0;
  {
    WorkerThread worker(loop, "test", 8);
    for (int i = 0; i < 5; ++i) {
      worker.TryRun([&ran] { ++ran; }, [] { FAIL() << "replied to a destroyed owner"; });
    }
  }
  EXPECT_EQ(ran, 5);
  loop.Stop();
  loop.Run();
}

TEST(WorkerThreadTest, ShowsHowLongAJobHasHung) {
  EventLoop loop;
  const auto hung = std::make_shared<HungJob>();
  WorkerThread worker(loop, "test", 8);
  worker.TryRun([hung] { hung->Run(); }, [] {});
  hung->entered.get_future().wait();
  EXPECT_TRUE(WaitFor([&] { return worker.busy_for() > 5ms; }, kLongWait, "busy time to grow"));
  hung->release.set_value();
  EXPECT_TRUE(WaitFor([&] { return worker.busy_for() == base::Duration(0); }, kLongWait, "idle"));
}

TEST(WorkerThreadTest, AHungJobDoesNotHoldUpShutdown) {
  const auto hung = std::make_shared<HungJob>();
  const auto queued = std::make_shared<int>(0);
  {
    EventLoop loop;
    WorkerThread worker(loop, "test", 8);
    worker.TryRun([hung] { hung->Run(); }, [] { FAIL() << "replied after the end"; });
    hung->entered.get_future().wait();
    worker.TryRun([queued] { ++*queued; }, [] {});
    EXPECT_FALSE(worker.StopWithin(10ms));
    EXPECT_FALSE(worker.TryRun([] {}, [] {})) << "stopped";
  }
  // The loop is gone; the kernel lets the thread go at last.
  hung->release.set_value();
  hung->returned.get_future().wait();
  EXPECT_TRUE(WaitFor([&] { return queued.use_count() == 1; }, kLongWait, "the queue to go"));
  EXPECT_EQ(*queued, 0) << "what was queued behind a hung job is dropped";
}

TEST(WorkerThreadTest, StopWithinFinishesWhatIsQueued) {
  EventLoop loop;
  int ran = 0;
  WorkerThread worker(loop, "test", 8);
  for (int i = 0; i < 5; ++i) worker.TryRun([&ran] { ++ran; }, [] {});
  EXPECT_TRUE(worker.StopWithin(kLongWait));
  EXPECT_EQ(ran, 5);
}

}  // namespace
}  // namespace tidemark::daemon
