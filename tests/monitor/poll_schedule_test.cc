#include "monitor/poll_schedule.h"

#include <gtest/gtest.h>

#include "base/byte_size.h"

namespace tidemark::monitor {
namespace {

using base::kMiB;
using std::chrono::milliseconds;
using std::chrono::seconds;

class PollScheduleTest : public testing::Test {
 protected:
  PollScheduleTest() {
    marks_.full_bytes = 100 * kMiB;
    marks_.full_inodes = 100;
  }

  void Read(base::Duration after, std::int64_t available_bytes, std::int64_t inodes = 1'000'000) {
    now_ = now_ + after;
    SpaceReading reading;
    reading.available_bytes = available_bytes;
    reading.inodes_available = inodes;
    reading.counts_inodes = true;
    reading.started = reading.finished = now_;
    schedule_.OnReading(reading, marks_);
  }

  Marks marks_;
  PollSchedule schedule_;
  base::MonotonicTime now_{seconds(1000)};
};

TEST_F(PollScheduleTest, AnIdleVolumeIsReadEveryFiveSeconds) {
  Read(seconds(0), 1000 * kMiB);
  Read(seconds(5), 1000 * kMiB);
  EXPECT_EQ(schedule_.interval(), seconds(5));
  EXPECT_EQ(schedule_.time_to_full(), std::nullopt);
}

TEST_F(PollScheduleTest, AQuarterOfTheTimeToFullAtTheFastestFill) {
  Read(seconds(0), 1000 * kMiB);
  Read(seconds(1), 900 * kMiB);  // 100 MiB/s, 800 MiB left: 8 s
  EXPECT_EQ(schedule_.interval(), seconds(2));
  Read(seconds(1), 140 * kMiB);  // 760 MiB/s
  EXPECT_LT(schedule_.interval(), milliseconds(60));
  EXPECT_GE(schedule_.interval(), PollSchedule::kIntervalMin);
}

TEST_F(PollScheduleTest, RemembersTheFastestFillForAMinute) {
  Read(seconds(0), 1000 * kMiB);
  Read(seconds(1), 900 * kMiB);
  for (int i = 0; i < 59; ++i) Read(seconds(1), 900 * kMiB);
  EXPECT_EQ(schedule_.interval(), seconds(2));
  Read(seconds(1), 900 * kMiB);
  EXPECT_EQ(schedule_.interval(), seconds(5));
}

TEST_F(PollScheduleTest, TwoReadingsInQuickSuccessionDoNotInventARate) {
  Read(seconds(0), 1000 * kMiB);
  Read(std::chrono::microseconds(10), 992 * kMiB);  // 8 MiB in 25 ms, 892 MiB left
  EXPECT_NEAR(std::chrono::duration<double>(schedule_.interval()).count(), 892.0 / 320 / 4, 1e-6);
}

TEST_F(PollScheduleTest, PeopleAreToldTheMeanAndNotTheFastestBurst) {
  Read(seconds(0), 1000 * kMiB);
  Read(milliseconds(25), 992 * kMiB);  // one step
  EXPECT_DOUBLE_EQ(schedule_.fill_bytes_per_second(), 8.0 / 5 * kMiB);
  for (int i = 0; i < 40; ++i) Read(seconds(1), 992 * kMiB);
  EXPECT_NEAR(schedule_.fill_bytes_per_second(), 8.0 / 40 * kMiB, 1024);
  ASSERT_TRUE(schedule_.time_to_full().has_value());
  EXPECT_GT(*schedule_.time_to_full(), std::chrono::minutes(74));  // 892 MiB at 0.2 MiB/s
  for (int i = 0; i < 30; ++i) Read(seconds(1), 992 * kMiB);
  EXPECT_DOUBLE_EQ(schedule_.fill_bytes_per_second(), 0);
  EXPECT_EQ(schedule_.time_to_full(), std::nullopt);
}

TEST_F(PollScheduleTest, TheMeanOfASteadyFillIsItsRate) {
  for (int i = 0; i < 100; ++i) Read(seconds(1), (10'000 - 10 * i) * kMiB);
  EXPECT_DOUBLE_EQ(schedule_.fill_bytes_per_second(), 10.0 * kMiB);
  ASSERT_TRUE(schedule_.time_to_full().has_value());
  EXPECT_EQ(*schedule_.time_to_full(), seconds(891));  // 8,910 MiB above full
}

TEST_F(PollScheduleTest, AVolumeThatWasFreedDoesNotFill) {
  Read(seconds(0), 500 * kMiB);
  Read(seconds(10), 400 * kMiB);
  Read(seconds(10), 900 * kMiB);
  EXPECT_DOUBLE_EQ(schedule_.fill_bytes_per_second(), 0);
  EXPECT_EQ(schedule_.time_to_full(), std::nullopt);
}

TEST_F(PollScheduleTest, InodesRunOutToo) {
  Read(seconds(0), 1000 * kMiB, 10'100);
  Read(seconds(1), 1000 * kMiB, 9'100);  // 9 s
  EXPECT_EQ(schedule_.interval(), milliseconds(2250));
}

TEST_F(PollScheduleTest, AtFullTimeToFullIsZero) {
  Read(seconds(0), 100 * kMiB);
  EXPECT_EQ(schedule_.time_to_full(), base::Duration(0));
  EXPECT_EQ(schedule_.interval(), PollSchedule::kIntervalMin);
}

}  // namespace
}  // namespace tidemark::monitor
