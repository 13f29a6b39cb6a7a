// errno → absl::Status with one meaning per code (absl::ErrnoToStatus calls EMFILE "resource
// exhausted", which here means space and nothing else).
//
// The errno travels with the status as a payload, because what an error means depends on the
// operation that failed (monitor/errno_verdict.h).
#pragma once

#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace tidemark::base {

// ENOSPC, EDQUOT → kResourceExhausted; ENOENT → kNotFound; EEXIST → kAlreadyExists;
// EINVAL, ENAMETOOLONG, ENOTDIR, EISDIR → kInvalidArgument; EACCES, EPERM → kPermissionDenied;
// EBUSY, EWOULDBLOCK, ELOOP → kFailedPrecondition; everything else (EIO, EROFS, ESTALE, EMFILE,
// ENOMEM, …) → kUnavailable.
// Message: "<operation>: <strerror> (ENOSPC)".
absl::Status ErrnoStatus(int error_number, std::string_view operation);

// The errno a status was made from, also after Annotate(); nullopt if it came from elsewhere.
std::optional<int> ErrnoOf(const absl::Status& status);

// Prefixes the message with `context`, keeps code and payloads. OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view context);

// "ENOSPC", or "other errno" for one this table does not know.
std::string_view ErrnoName(int error_number);

}  // namespace tidemark::base
