// absl::Status in assertions (absl 20220623 brings none).
//
//   ASSERT_OK(file->SyncData());
//   ASSERT_OK_AND_ASSIGN(const auto stat, file->Stat());
//   EXPECT_THAT(file->WriteAt(…), StatusIs(absl::StatusCode::kResourceExhausted,
//   HasSubstr("412"))); EXPECT_THAT(file->ReadAt(…), IsOkAndHolds(4096));
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidemark::support {

inline const absl::Status& AsStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& AsStatus(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << AsStatus(arg).ToString();
  return arg.ok();
}

MATCHER_P(StatusIs, code, "has status code " + absl::StatusCodeToString(code)) {
  *result_listener << AsStatus(arg).ToString();
  return AsStatus(arg).code() == code;
}

MATCHER_P2(StatusIs, code, message,
           "has status code " + absl::StatusCodeToString(code) + " and a message that " +
               testing::DescribeMatcher<std::string>(message)) {
  *result_listener << AsStatus(arg).ToString();
  return AsStatus(arg).code() == code && testing::Matches(testing::Matcher<std::string>(message))(
                                             std::string(AsStatus(arg).message()));
}

MATCHER_P(HasErrno, number, "was made from " + std::string(base::ErrnoName(number))) {
  *result_listener << AsStatus(arg).ToString();
  return base::ErrnoOf(AsStatus(arg)) == std::optional<int>(number);
}

MATCHER_P(IsOkAndHolds, value, "") {
  if (!arg.ok()) {
    *result_listener << arg.status().ToString();
    return false;
  }
  return testing::ExplainMatchResult(value, *arg, result_listener);
}

}  // namespace tidemark::support

#define EXPECT_OK(expression) EXPECT_THAT((expression), ::tidemark::support::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT((expression), ::tidemark::support::IsOk())
#define ASSERT_OK_AND_ASSIGN(declaration, expression) \
  ASSERT_OK_AND_ASSIGN_(TM_CONCAT_(tm_result_, __LINE__), declaration, expression)
#define ASSERT_OK_AND_ASSIGN_(result, declaration, expression) \
  auto result = (expression);                                  \
  ASSERT_OK(result);                                           \
  declaration = *std::move(result)
