// absl::Status ↔ grpc::Status, with typed details.
//
// A detail is a serialized protobuf message and its full name. It travels as an absl payload inside
// the process and as google.rpc.Status in the standard `grpc-status-details-bin` trailer on the
// wire (its two messages are encoded here: Debian has no C++ package of google/rpc).
//
// Errors: FromGrpc() ignores a trailer it cannot parse: the code and message stand by themselves.
#pragma once

#include <grpcpp/support/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tidemark::daemon {

// `type_name` is the message's full name: "tidemark.log.v1.Refusal".
void AttachDetail(absl::Status& status, std::string_view type_name, std::string_view bytes);
std::optional<std::string> DetailOf(const absl::Status& status, std::string_view type_name);

grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace tidemark::daemon
