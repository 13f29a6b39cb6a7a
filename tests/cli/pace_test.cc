#include "cli/commands/pace.h"

#include "gtest/gtest.h"

namespace tidemark::cli {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// Records that go out without a wait, and how long the first wait is then.
int SentAtOnce(Pace& pace, base::MonotonicTime now) {
  int sent = 1;
  while (pace.UntilNext(now) <= base::Duration::zero()) ++sent;
  return sent;
}

TEST(PaceTest, SpreadsRecordsEvenly) {
  const base::MonotonicTime start{1s};
  Pace pace(100, start);
  EXPECT_EQ(pace.UntilNext(start), 10ms);
  EXPECT_EQ(pace.UntilNext(start + 10ms), 10ms);
  EXPECT_EQ(pace.UntilNext(start + 25ms), 5ms) << "a sleep that took too long is made up for";
}

TEST(PaceTest, DoesNotMakeUpForAStall) {
  const base::MonotonicTime start{1s};
  Pace pace(100, start);
  EXPECT_EQ(pace.UntilNext(start), 10ms);
  EXPECT_LE(SentAtOnce(pace, start + 60s), 11);
  EXPECT_EQ(SentAtOnce(pace, start + 60s), 1);
}

}  // namespace
}  // namespace tidemark::cli
