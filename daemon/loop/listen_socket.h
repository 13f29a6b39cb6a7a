// Binds and listens: the one place where a listening TCP socket is made.
//
// Errors: Open() → kInvalidArgument for a host that does not resolve; kUnavailable or
//         kPermissionDenied from bind and listen, with the endpoint in the message.
#pragma once

#include "absl/status/statusor.h"
#include "daemon/loop/endpoint.h"
#include "daemon/loop/unique_fd.h"

namespace tidemark::daemon {

struct ListenSocket {
  UniqueFd fd;        // non-blocking, close-on-exec
  Endpoint endpoint;  // with the real port, where 0 was asked for

  // Resolves names, so it may block: at start only.
  static absl::StatusOr<ListenSocket> Open(const Endpoint& endpoint);
};

}  // namespace tidemark::daemon
