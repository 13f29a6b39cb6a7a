#include "daemon/loop/event_loop.h"

#include <future>
#include <memory>
#include <vector>

#include "daemon/loop/timer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/await.h"
#include "tests/support/loop_thread.h"

namespace tidemark::daemon {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""us;
using support::kLongWait;
using support::LoopThread;
using support::WaitFor;
using testing::ElementsAre;

base::MonotonicTime LoopNow() { return base::SystemClock().Now(); }

TEST(EventLoopTest, RunsOnItsThreadWhatOthersPost) {
  LoopThread loop;
  EXPECT_FALSE(loop->OnLoop());
  loop.Run([&] { EXPECT_TRUE(loop->OnLoop()); });
}

TEST(EventLoopTest, RunsEverythingAcceptedBeforeStop) {
  EventLoop loop;
  std::vector<int> ran;
  loop.PostControl([&] { ran.push_back(1); });
  EXPECT_TRUE(loop.TryPost([&] { ran.push_back(2); }, 8));
  loop.Stop();
  loop.PostControl([&] { ran.push_back(3); });  // same turn, after the stop: still in order
  loop.Run();
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
}

TEST(EventLoopTest, DropsWhatIsPostedAfterItClosed) {
  EventLoop loop;
  EXPECT_TRUE(loop.CloseWithin(kLongWait));
  EXPECT_FALSE(loop.TryPost([] {}, 1));
  EXPECT_FALSE(loop.PostControl([] {}));
  loop.Stop();  // harmless
}

TEST(EventLoopTest, TasksThatPostThemselvesDoNotStarveTimers) {
  EventLoop loop;
  bool fired = false;
  Timer timer(loop, [&] {
    fired = true;
    loop.Stop();
  });
  timer.StartOnce(1ms);
  std::function<void()> again = [&] {
    if (!fired) loop.PostControl([&] { again(); });
  };
  again();
  loop.Run();
  EXPECT_TRUE(fired);
}

TEST(EventLoopTest, QueuedWorkRunsElsewhereAndIsDoneOnTheLoop) {
  LoopThread loop;
  std::promise<int> result;
  loop.Run([&] {
    loop->QueueWork(
        [&] {
          EXPECT_FALSE(loop->OnLoop());
          return std::make_unique<int>(42);
        },
        [&](std::unique_ptr<int> value) {
          loop->AssertOnLoop();
          result.set_value(*value);
        });
  });
  EXPECT_EQ(result.get_future().get(), 42);
  EXPECT_EQ(loop->work_in_flight(), 0U);
}

TEST(EventLoopTest, CompletionsAfterTheEndAreDropped) {
  auto loop = std::make_unique<EventLoop>();
  std::promise<void> release;
  std::atomic<bool> worked{false};
  loop->QueueWork(
      [&] {
        release.get_future().wait();
        worked = true;
      },
      [] { FAIL() << "completed after the end"; });
  loop->Stop();
  loop->Run();
  EXPECT_EQ(loop->work_in_flight(), 1U);
  release.set_value();
  loop.reset();
  EXPECT_TRUE(worked) << "the destructor waits for the pool";
}

TEST(EventLoopTest, ClosesWithoutHungWorkAfterTheGraceTime) {
  struct Job {
    std::promise<void> release;
    std::promise<void> ended;
  };
  // Odd graces, and a wake-up at the next full millisecond: libuv counts in those, so its timer may
  // fire before our clock says that the grace is over. Once that was then waited for, for ever.
  const auto wait_for_next_millisecond = [] {
    const auto milliseconds = [] { return LoopNow().since_start() / 1ms; };
    const auto before = milliseconds();
    while (milliseconds() == before) {
    }
  };
  for (base::Duration grace = 1ms; grace < 5ms; grace += 137us) {
    const auto job = std::make_shared<Job>();
    {
      EventLoop loop;
      loop.QueueWork(
          [job] {
            job->release.get_future().wait();
            job->ended.set_value();
          },
          [] { FAIL() << "completed after the end"; });
      loop.QueueWork(wait_for_next_millisecond, [] {});
      EXPECT_FALSE(loop.CloseWithin(grace));
    }
    job->release.set_value();
    job->ended.get_future().wait();
  }
}

TEST(EventLoopTest, HeartbeatShowsALoopThatIsStuck) {
  LoopThread loop(EventLoopOptions{.queue = {}, .heartbeat_interval = 5ms});
  const auto heartbeat = loop->heartbeat();
  EXPECT_TRUE(WaitFor([&] { return heartbeat->beats() > 2; }, kLongWait, "the loop to turn"));
  std::promise<void> stuck;
  std::promise<void> release;
  loop->PostControl([&] {
    stuck.set_value();
    release.get_future().wait();
  });
  stuck.get_future().wait();
  const auto beats = heartbeat->beats();
  EXPECT_TRUE(WaitFor([&] { return heartbeat->Age(LoopNow()) > 50ms; }, kLongWait, "age to grow"));
  EXPECT_GT(heartbeat->Lag(LoopNow()), 40ms);
  EXPECT_EQ(heartbeat->beats(), beats);
  release.set_value();
  EXPECT_TRUE(WaitFor([&] { return heartbeat->beats() > beats; }, kLongWait, "the loop to turn"));
}

TEST(EventLoopDeathTest, AbortsOnACallFromAnotherThread) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EventLoop loop;
  EXPECT_DEATH(std::thread([&] { loop.AssertOnLoop(); }).join(), "OnLoop");
}

TEST(EventLoopDeathTest, AbortsWhenAHandleOutlivesIt) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        EventLoop loop;
        auto* const leaked = new Timer(loop, [] {});
        leaked->StartOnce(1s);
        loop.CloseWithin(1s);
      },
      "open timer");
}

}  // namespace
}  // namespace tidemark::daemon
