#include "daemon/loop/timer.h"

#include <memory>
#include <optional>

#include "gtest/gtest.h"

namespace tidemark::daemon {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""s;

base::MonotonicTime Now() { return base::SystemClock().Now(); }

TEST(TimerTest, FiresOnceAndNeverEarly) {
  EventLoop loop;
  int fired = 0;
  Timer end(loop, [&] { loop.Stop(); });
  Timer timer(loop, [&] {
    ++fired;
    end.StartOnce(10ms);
  });
  const auto started = Now();
  base::MonotonicTime at;
  Timer late(loop, [&] { at = Now(); });
  late.StartOnce(2100us);
  timer.StartOnce(5ms);
  EXPECT_TRUE(timer.active());
  loop.Run();
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(timer.active());
  EXPECT_GE(at - started, 2ms);
}

TEST(TimerTest, RepeatsUntilStopped) {
  EventLoop loop;
  int fired = 0;
  std::optional<Timer> timer;
  timer.emplace(loop, [&] {
    if (++fired == 3) {
      timer->Stop();
      loop.Stop();
    }
  });
  timer->StartPeriodic(1ms);
  loop.Run();
  EXPECT_EQ(fired, 3);
  EXPECT_FALSE(timer->active());
}

TEST(TimerTest, ItsCallbackMayDestroyIt) {
  EventLoop loop;
  std::unique_ptr<Timer> timer;
  const auto captured = std::make_shared<int>(1);
  timer = std::make_unique<Timer>(loop, [&timer, &loop, captured] {
    timer.reset();
    EXPECT_EQ(*captured, 1);  // the closure lives until the handle is closed
    loop.Stop();
  });
  timer->StartPeriodic(1ms);
  loop.Run();
  EXPECT_EQ(timer, nullptr);
}

TEST(TimerTest, StartingAgainReplacesWhatWasSet) {
  EventLoop loop;
  Timer timer(loop, [&] { loop.Stop(); });
  timer.StartOnce(3600s);
  timer.StartOnce(1ms);
  loop.Run();
  EXPECT_FALSE(timer.active());
}

}  // namespace
}  // namespace tidemark::daemon
