#include "sc/core/refusal_log.h"

#include <gtest/gtest.h>

#include <string>

namespace tidemark::sc {
namespace {

constexpr base::MonotonicTime kStart{std::chrono::hours(1)};
constexpr base::Duration kSecond = std::chrono::seconds(1);

TEST(RefusalLogTest, TheSameAgainWithinAMinuteOnlyCountsAndTheNextLineSaysHowMany) {
  RefusalLog log;
  EXPECT_EQ(log.Add("stale attempt", "n1", kStart), 0U);
  for (int i = 1; i < 60; ++i) {
    EXPECT_EQ(log.Add("stale attempt", "n1", kStart + i * kSecond), std::nullopt) << i;
  }
  EXPECT_EQ(log.Add("stale attempt", "n1", kStart + RefusalLog::kQuiet), 59U);
  EXPECT_EQ(log.Add("stale attempt", "n1", kStart + 2 * RefusalLog::kQuiet), 0U);
  EXPECT_EQ(log.Add("stale attempt", "n2", kStart + 2 * RefusalLog::kQuiet), 0U) << "another";
  EXPECT_EQ(log.Add("superseded", "n1", kStart + 2 * RefusalLog::kQuiet), 0U) << "another";
}

// Subjects are chosen by the peer.
TEST(RefusalLogTest, NoPeerFillsTheHistoryWithSubjectsOfItsOwn) {
  RefusalLog log;
  std::size_t lines = 0;
  for (std::size_t i = 0; i < 3 * RefusalLog::kKinds; ++i) {
    if (log.Add("bad hello", std::to_string(i), kStart).has_value()) ++lines;
  }
  EXPECT_EQ(lines, RefusalLog::kKinds + 1) << "the rest share one line";
  const base::MonotonicTime later = kStart + RefusalLog::kQuiet;
  EXPECT_EQ(log.Add("bad hello", "new", later), 0U) << "a minute later there is room again";
  EXPECT_EQ(log.Add("bad hello", "new", later), std::nullopt);
}

}  // namespace
}  // namespace tidemark::sc
