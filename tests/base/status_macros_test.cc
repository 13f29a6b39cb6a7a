#include "base/status_macros.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace tidemark::base {
namespace {

absl::StatusOr<std::unique_ptr<int>> Box(int value) {
  if (value < 0) return absl::OutOfRangeError("negative");
  return std::make_unique<int>(value);
}

absl::StatusOr<int> Sum(int a, int b, int* evaluations) {
  TM_ASSIGN_OR_RETURN(const auto first, Box((++*evaluations, a)));
  TM_ASSIGN_OR_RETURN(const auto second, Box((++*evaluations, b)));
  return *first + *second;
}

absl::Status Check(const absl::Status& status, bool* went_on) {
  TM_RETURN_IF_ERROR(status);
  *went_on = true;
  return absl::OkStatus();
}

TEST(StatusMacros, AssignMovesTheValueOutAndEvaluatesOnce) {
  int evaluations = 0;
  EXPECT_EQ(*Sum(2, 3, &evaluations), 5);
  EXPECT_EQ(evaluations, 2);
}

TEST(StatusMacros, AssignReturnsTheFirstError) {
  int evaluations = 0;
  EXPECT_EQ(Sum(-1, 3, &evaluations).status(), absl::OutOfRangeError("negative"));
  EXPECT_EQ(evaluations, 1);
}

TEST(StatusMacros, ReturnIfErrorGoesOnOnlyWhenOk) {
  bool went_on = false;
  EXPECT_EQ(Check(absl::AbortedError("x"), &went_on), absl::AbortedError("x"));
  EXPECT_FALSE(went_on);
  EXPECT_TRUE(Check(absl::OkStatus(), &went_on).ok());
  EXPECT_TRUE(went_on);
}

}  // namespace
}  // namespace tidemark::base
