#include "base/errno_status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "absl/strings/cord.h"

namespace tidemark::base {
namespace {

struct Row {
  int number;
  const char* name;
  absl::StatusCode code;
};

constexpr Row kRows[] = {
    {ENOSPC, "ENOSPC", absl::StatusCode::kResourceExhausted},
    {EDQUOT, "EDQUOT", absl::StatusCode::kResourceExhausted},
    {ENOENT, "ENOENT", absl::StatusCode::kNotFound},
    {EEXIST, "EEXIST", absl::StatusCode::kAlreadyExists},
    {EINVAL, "EINVAL", absl::StatusCode::kInvalidArgument},
    {ENAMETOOLONG, "ENAMETOOLONG", absl::StatusCode::kInvalidArgument},
    {ENOTDIR, "ENOTDIR", absl::StatusCode::kInvalidArgument},
    {EISDIR, "EISDIR", absl::StatusCode::kInvalidArgument},
    {EACCES, "EACCES", absl::StatusCode::kPermissionDenied},
    {EPERM, "EPERM", absl::StatusCode::kPermissionDenied},
    {EBUSY, "EBUSY", absl::StatusCode::kFailedPrecondition},
    {EWOULDBLOCK, "EWOULDBLOCK", absl::StatusCode::kFailedPrecondition},
    {ELOOP, "ELOOP", absl::StatusCode::kFailedPrecondition},
    {ENOTEMPTY, "ENOTEMPTY", absl::StatusCode::kFailedPrecondition},
    {EIO, "EIO", absl::StatusCode::kUnavailable},
    {EROFS, "EROFS", absl::StatusCode::kUnavailable},
    {ESTALE, "ESTALE", absl::StatusCode::kUnavailable},
    {ENODEV, "ENODEV", absl::StatusCode::kUnavailable},
    {EMFILE, "EMFILE", absl::StatusCode::kUnavailable},
    {ENFILE, "ENFILE", absl::StatusCode::kUnavailable},
    {ENOMEM, "ENOMEM", absl::StatusCode::kUnavailable},
    {EFBIG, "EFBIG", absl::StatusCode::kUnavailable},
    {EADDRINUSE, "EADDRINUSE", absl::StatusCode::kUnavailable},
    {EADDRNOTAVAIL, "EADDRNOTAVAIL", absl::StatusCode::kUnavailable},
    {ECONNREFUSED, "ECONNREFUSED", absl::StatusCode::kUnavailable},
    {ECONNRESET, "ECONNRESET", absl::StatusCode::kUnavailable},
    {EPIPE, "EPIPE", absl::StatusCode::kUnavailable},
    {ETIMEDOUT, "ETIMEDOUT", absl::StatusCode::kUnavailable},
    {EOPNOTSUPP, "EOPNOTSUPP", absl::StatusCode::kUnimplemented},
    {ENOSYS, "ENOSYS", absl::StatusCode::kUnimplemented},
};

TEST(ErrnoStatus, HasOneCodeForEachErrno) {
  for (const Row& row : kRows) {
    const absl::Status status = ErrnoStatus(row.number, "test");
    EXPECT_EQ(status.code(), row.code) << row.name;
    EXPECT_EQ(ErrnoName(row.number), row.name);
    EXPECT_EQ(ErrnoOf(status), row.number) << row.name;
  }
}

TEST(ErrnoStatus, OnlySpaceIsResourceExhausted) {
  for (int number = 1; number < 200; ++number) {
    const bool space = number == ENOSPC || number == EDQUOT;
    EXPECT_EQ(ErrnoStatus(number, "test").code() == absl::StatusCode::kResourceExhausted, space)
        << number;
    EXPECT_FALSE(ErrnoStatus(number, "test").ok()) << number;
  }
}

TEST(ErrnoStatus, MessageSaysOperationReasonAndName) {
  EXPECT_EQ(ErrnoStatus(ENOSPC, "fallocate 'x.log' 4096 bytes at 0").message(),
            "fallocate 'x.log' 4096 bytes at 0: No space left on device (ENOSPC)");
}

TEST(ErrnoStatus, UnknownErrnoIsUnavailableAndKeepsItsNumber) {
  const absl::Status status = ErrnoStatus(EXDEV, "rename");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrnoName(EXDEV), "other errno");
  EXPECT_EQ(ErrnoOf(status), EXDEV);
}

TEST(ErrnoStatus, StatusFromElsewhereHasNoErrno) {
  EXPECT_EQ(ErrnoOf(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(ErrnoOf(absl::ResourceExhaustedError("No space left on device (ENOSPC)")),
            std::nullopt);
}

TEST(Annotate, PrefixesTheMessageAndKeepsCodeAndPayloads) {
  absl::Status inner = ErrnoStatus(EDQUOT, "write");
  inner.SetPayload("other", absl::Cord("payload"));
  const absl::Status outer = Annotate(Annotate(inner, "segment 7"), "append to 'orders/3'");
  EXPECT_EQ(outer.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(outer.message(), "append to 'orders/3': segment 7: " + std::string(inner.message()));
  EXPECT_EQ(ErrnoOf(outer), EDQUOT);
  EXPECT_EQ(outer.GetPayload("other"), absl::Cord("payload"));
}

TEST(Annotate, LeavesOkAlone) { EXPECT_TRUE(Annotate(absl::OkStatus(), "context").ok()); }

}  // namespace
}  // namespace tidemark::base
