#include "base/errno_status.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace tidemark::base {
namespace {

constexpr char kErrnoPayload[] = "tidemark/errno";

struct ErrnoRow {
  int number;
  const char* name;
  absl::StatusCode code;
};

constexpr ErrnoRow kRows[] = {
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

const ErrnoRow* FindRow(int number) {
  for (const ErrnoRow& row : kRows) {
    if (row.number == number) return &row;
  }
  return nullptr;
}

}  // namespace

absl::Status ErrnoStatus(int error_number, std::string_view operation) {
  const ErrnoRow* row = FindRow(error_number);
  const absl::StatusCode code = row != nullptr ? row->code : absl::StatusCode::kUnavailable;
  absl::Status status(
      code, absl::StrFormat("%s: %s (%s)", operation, std::generic_category().message(error_number),
                            ErrnoName(error_number)));
  status.SetPayload(kErrnoPayload, absl::Cord(absl::StrFormat("%d", error_number)));
  return status;
}

std::optional<int> ErrnoOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrnoPayload);
  if (!payload.has_value()) return std::nullopt;
  int number = 0;
  if (!absl::SimpleAtoi(std::string(*payload).c_str(), &number)) return std::nullopt;
  return number;
}

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(), absl::StrFormat("%s: %s", context, status.message()));
  status.ForEachPayload([&annotated](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

std::string_view ErrnoName(int error_number) {
  if (const ErrnoRow* row = FindRow(error_number); row != nullptr) return row->name;
  return "other errno";
}

}  // namespace tidemark::base
