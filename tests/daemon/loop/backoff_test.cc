#include "daemon/loop/backoff.h"

#include <random>
#include <set>

#include "gtest/gtest.h"

namespace tidemark::daemon {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TEST(BackoffTest, CeilingDoublesFrom50MillisecondsTo5SecondsAndStays) {
  Backoff backoff(1);
  for (const base::Duration ceiling :
       {base::Duration(50ms), base::Duration(100ms), base::Duration(200ms), base::Duration(400ms),
        base::Duration(800ms), base::Duration(1600ms), base::Duration(3200ms), base::Duration(5s),
        base::Duration(5s)}) {
    EXPECT_EQ(backoff.ceiling(), ceiling);
    backoff.Next();
  }
  backoff.Reset();
  EXPECT_EQ(backoff.ceiling(), base::Duration(50ms));
}

TEST(BackoffTest, ALimitHoldsAtOnceAndNeverLeavesTheWholeRange) {
  Backoff backoff(1);
  for (int i = 0; i < 10; ++i) backoff.Next();
  backoff.LimitTo(500ms);
  EXPECT_EQ(backoff.ceiling(), base::Duration(500ms));
  for (int i = 0; i < 10; ++i) EXPECT_LE(backoff.Next(), base::Duration(500ms));
  EXPECT_EQ(backoff.ceiling(), base::Duration(500ms));
  backoff.LimitTo(0ms);
  EXPECT_EQ(backoff.ceiling(), Backoff::kFirstCeiling);
  backoff.LimitTo(1h);
  for (int i = 0; i < 10; ++i) backoff.Next();
  EXPECT_EQ(backoff.ceiling(), Backoff::kLastCeiling);
}

TEST(BackoffTest, SpreadsOverTheWholeRangeUpToTheCeiling) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Backoff backoff(seed);
  std::set<base::Duration::rep> quarters;
  for (int i = 0; i < 200; ++i) {
    const auto ceiling = backoff.ceiling();
    const auto delay = backoff.Next();
    EXPECT_GE(delay, base::Duration(1ms));
    EXPECT_LE(delay, ceiling);
    if (delay < ceiling) quarters.insert(delay * 4 / ceiling);
  }
  EXPECT_EQ(quarters.size(), 4U) << "full jitter reaches every quarter of the range";
}

TEST(BackoffTest, SameSeedGivesTheSameDelays) {
  Backoff a(7);
  Backoff b(7);
  Backoff c(8);
  const auto first = a.Next();
  EXPECT_EQ(first, b.Next());
  EXPECT_NE(first, c.Next());
}

}  // namespace
}  // namespace tidemark::daemon
