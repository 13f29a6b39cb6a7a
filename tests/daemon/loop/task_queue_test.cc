#include "daemon/loop/task_queue.h"

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidemark::daemon {
namespace {

using testing::ElementsAre;

TaskQueue Queue(std::size_t tasks, std::size_t bytes) {
  return TaskQueue({.tasks = tasks, .bytes = bytes}, [] {});
}

TEST(TaskQueueTest, RefusesDataWhenFullButTakesControl) {
  auto queue = Queue(2, 100);
  EXPECT_TRUE(queue.TryPost([] {}, 1));
  EXPECT_TRUE(queue.TryPost([] {}, 1));
  EXPECT_FALSE(queue.TryPost([] {}, 1));
  EXPECT_TRUE(queue.PostControl([] {}));
  EXPECT_EQ(queue.size(), 3U);
}

TEST(TaskQueueTest, CountsBytesUntilTheTaskHasRun) {
  auto queue = Queue(10, 100);
  bool accepted_while_running = true;
  EXPECT_TRUE(queue.TryPost([&] { accepted_while_running = queue.TryPost([] {}, 60); }, 60));
  EXPECT_FALSE(queue.TryPost([] {}, 60)) << "120 of 100 bytes";
  EXPECT_FALSE(queue.RunSome(10));
  EXPECT_FALSE(accepted_while_running);
  EXPECT_EQ(queue.bytes(), 0U);
  EXPECT_TRUE(queue.TryPost([] {}, 60));
}

TEST(TaskQueueTest, LeavesARefusedTaskUntouched) {
  auto queue = Queue(0, 0);
  auto message = std::make_unique<int>(7);
  TaskQueue::Task task = [kept = std::move(message)] { EXPECT_EQ(*kept, 7); };
  EXPECT_FALSE(queue.TryPost(std::move(task), 4));
  ASSERT_TRUE(task != nullptr);  // NOLINT(bugprone-use-after-move): that is the promise
  task();
}

TEST(TaskQueueTest, RunsInOrderAndSaysWhenSomeRemain) {
  auto queue = Queue(10, 100);
  std::vector<int> ran;
  for (int i = 0; i < 3; ++i) queue.PostControl([&ran, i] { ran.push_back(i); });
  EXPECT_TRUE(queue.RunSome(2));
  EXPECT_THAT(ran, ElementsAre(0, 1));
  EXPECT_FALSE(queue.RunSome(2));
  EXPECT_THAT(ran, ElementsAre(0, 1, 2));
}

TEST(TaskQueueTest, DestroysWhatWaitsAtCloseAndRefusesTheRest) {
  auto queue = Queue(10, 100);
  auto held = std::make_shared<int>(1);
  queue.PostControl([held] { FAIL() << "ran after Close"; });
  queue.Close();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(queue.TryPost([] {}, 1));
  EXPECT_FALSE(queue.PostControl([] {}));
  EXPECT_FALSE(queue.RunSome(10));
}

TEST(TaskQueueTest, LosesNothingFromManyThreadsAndKeepsEachOnesOrder) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 2000;
  auto queue = Queue(64, 1 << 20);
  std::vector<int> next(kThreads, 0);  // only touched by the consumer
  std::vector<std::thread> producers;
  for (int thread = 0; thread < kThreads; ++thread) {
    producers.emplace_back([&, thread] {
      for (int i = 0; i < kTasks; ++i) {
        TaskQueue::Task task = [&next, thread, i] {
          EXPECT_EQ(next[static_cast<std::size_t>(thread)]++, i);
        };
        while (!queue.TryPost(std::move(task), 16)) std::this_thread::yield();
      }
    });
  }
  const std::vector<int> all(kThreads, kTasks);
  while (next != all) queue.RunSome(16);
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(queue.size(), 0U);
}

}  // namespace
}  // namespace tidemark::daemon
