#include "base/clock.h"

#include <gtest/gtest.h>

#include <limits>

namespace tidemark::base {
namespace {

TEST(Clock, FormatsWallTimeAsUtcWithMilliseconds) {
  struct Row {
    WallMillis wall;
    const char* text;
  };
  for (const Row& row : {Row{0, "1970-01-01T00:00:00.000Z"},
                         {1, "1970-01-01T00:00:00.001Z"},
                         {-1, "1969-12-31T23:59:59.999Z"},
                         {-1000, "1969-12-31T23:59:59.000Z"},
                         {951'782'400'000, "2000-02-29T00:00:00.000Z"},
                         {1'795'405'484'123, "2026-11-23T03:44:44.123Z"},
                         {253'402'300'799'999, "9999-12-31T23:59:59.999Z"}}) {
    EXPECT_EQ(FormatWallTime(row.wall), row.text) << row.wall;
  }
}

TEST(Clock, FormatsTheEndsOfItsRange) {
  EXPECT_EQ(FormatWallTime(INT64_MAX), "292278994-08-17T07:12:55.807Z");
  EXPECT_EQ(FormatWallTime(INT64_MIN), "-292275055-05-16T16:47:04.192Z");
}

TEST(Clock, MonotonicTimesDifferByDurations) {
  constexpr MonotonicTime kStart{std::chrono::seconds(10)};
  constexpr MonotonicTime kLater = kStart + std::chrono::seconds(5);
  static_assert(kLater - kStart == std::chrono::seconds(5));
  static_assert(kLater - std::chrono::seconds(5) == kStart);
  static_assert(kStart < kLater);
  EXPECT_EQ(MonotonicTime().since_start(), Duration(0));
}

TEST(Clock, SystemClockNeverGoesBack) {
  const SystemClock clock;
  const MonotonicTime first = clock.Now();
  EXPECT_GE(clock.Now(), first);
  EXPECT_GT(clock.WallNow(), 1'700'000'000'000);  // some time after 2023: milliseconds, not seconds
  EXPECT_LT(clock.WallNow(), 32'503'680'000'000);
}

TEST(DurationTest, MoreMillisecondsThanACenturyAreACentury) {
  EXPECT_EQ(MillisUpToACentury(1), std::chrono::milliseconds(1));
  EXPECT_EQ(MillisUpToACentury(kCenturyMillis), std::chrono::milliseconds(kCenturyMillis));
  const Duration most = MillisUpToACentury(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(most, std::chrono::hours(24) * 36525);
  EXPECT_GT(MonotonicTime(most) + most, MonotonicTime(most)) << "a sum of two does not turn over";
}

}  // namespace
}  // namespace tidemark::base
