// Answers a unary gRPC call on the loop.
//
//   return OnLoop(loop_, context, [this, request, response](UnaryDone done) {
//     *response->mutable_topics() = core_.Topics();
//     done(absl::OkStatus());
//   });
//
// Threading: called on gRPC's threads; the handler runs on the loop, `done` may be called later.
// Errors:    UNAVAILABLE when the loop's queue is full or the loop has ended; otherwise what `done`
//            is given, with its details.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "daemon/loop/event_loop.h"
#include "daemon/rpc_error.h"

namespace tidemark::daemon {

using UnaryDone = absl::AnyInvocable<void(absl::Status)>;  // exactly once

template <typename Handler>
grpc::ServerUnaryReactor* OnLoop(EventLoop& loop, grpc::CallbackServerContext* context,
                                 Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  EventLoop::Task task = [reactor, handler = std::move(handler)]() mutable {
    handler([reactor](absl::Status status) { reactor->Finish(ToGrpc(status)); });
  };
  constexpr std::size_t kCallBytes = 1024;  // small messages; counted so that they are bounded
  if (!loop.TryPost(std::move(task), kCallBytes)) {
    reactor->Finish({grpc::StatusCode::UNAVAILABLE, "too much is waiting here; try again"});
  }
  return reactor;
}

}  // namespace tidemark::daemon
