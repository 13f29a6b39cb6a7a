// One unary call with a deadline and a readable error. Only for the .cc files of this folder.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "cli/client/rpc_status.h"

namespace tidemark::client {

inline void SetDeadline(grpc::ClientContext& context, base::Duration deadline) {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::duration_cast<std::chrono::system_clock::duration>(deadline));
}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> UnaryCall(
    Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    const Request& request, base::Duration deadline, const Peer& peer) {
  grpc::ClientContext context;
  SetDeadline(context, deadline);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return StatusOf(status, context, peer);
  return response;
}

}  // namespace tidemark::client
