#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "daemon/loop/drain_signals.h"
#include "daemon/loop/event_loop.h"
#include "daemon/loop/signal_watcher.h"
#include "gtest/gtest.h"

namespace tidemark::daemon {
namespace {

TEST(SignalWatcherTest, CallsBackOnTheLoop) {
  EventLoop loop;
  int calls = 0;
  SignalWatcher watcher(loop, SIGHUP, [&] {
    loop.AssertOnLoop();
    ++calls;
    loop.Stop();
  });
  loop.PostControl([] { raise(SIGHUP); });
  loop.Run();
  EXPECT_EQ(calls, 1);
}

TEST(DrainSignalsTest, FirstSignalDrainsOnceAndTheLoopGoesOn) {
  EventLoop loop;
  int drains = 0;
  bool went_on = false;
  DrainSignals signals(loop, [&] {
    ++drains;
    loop.PostControl([&] {
      went_on = true;
      loop.Stop();
    });
  });
  loop.PostControl([] { raise(SIGTERM); });
  loop.Run();
  EXPECT_EQ(drains, 1);
  EXPECT_TRUE(went_on);
}

TEST(DrainSignalsDeathTest, SecondSignalEndsAStuckProcessAtOnce) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        EventLoop loop;
        DrainSignals signals(loop, [] {});
        raise(SIGTERM);
        raise(SIGINT);  // the loop has not turned: nobody drains
        pause();
      },
      testing::ExitedWithCode(128 + SIGINT), "second signal");
}

TEST(DrainSignalsTest, RestoresTheFormerHandlers) {
  struct sigaction before {};
  struct sigaction after {};
  sigaction(SIGTERM, nullptr, &before);
  {
    EventLoop loop;
    DrainSignals signals(loop, [] {});
  }
  sigaction(SIGTERM, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

}  // namespace
}  // namespace tidemark::daemon
