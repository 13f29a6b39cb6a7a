#include "cli/exit_code.h"

#include "gtest/gtest.h"

namespace tidemark::cli {
namespace {

TEST(ExitCodeTest, IsWhatTheHelpSays) {
  struct Case {
    absl::StatusCode code;
    int expected;
  };
  for (const Case& c :
       {Case{absl::StatusCode::kOk, 0}, Case{absl::StatusCode::kInvalidArgument, 2},
        Case{absl::StatusCode::kNotFound, 2}, Case{absl::StatusCode::kAlreadyExists, 2},
        Case{absl::StatusCode::kOutOfRange, 2}, Case{absl::StatusCode::kResourceExhausted, 10},
        Case{absl::StatusCode::kUnavailable, 69}, Case{absl::StatusCode::kDeadlineExceeded, 69},
        Case{absl::StatusCode::kFailedPrecondition, 75}, Case{absl::StatusCode::kAborted, 75},
        Case{absl::StatusCode::kPermissionDenied, 78}, Case{absl::StatusCode::kDataLoss, 1},
        Case{absl::StatusCode::kInternal, 1}}) {
    EXPECT_EQ(static_cast<int>(ExitCodeOf(absl::Status(c.code, "x"))), c.expected)
        << static_cast<int>(c.code);
  }
}

}  // namespace
}  // namespace tidemark::cli
