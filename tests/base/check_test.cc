#include "base/check.h"

#include <gtest/gtest.h>

namespace tidemark::base {
namespace {

TEST(CheckDeathTest, ABrokenInvariantStopsTheProcessAndSaysWhichOne) {
  const int answer = 41;
  EXPECT_DEATH(TM_CHECK(answer == 42), "check_test.cc:[0-9]+: broken invariant: answer == 42");
}

TEST(Check, AHeldInvariantCostsOneEvaluation) {
  int evaluations = 0;
  TM_CHECK(++evaluations == 1);
  EXPECT_EQ(evaluations, 1);
}

}  // namespace
}  // namespace tidemark::base
