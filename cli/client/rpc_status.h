// What a failed call means, in words a person can act on.
//
// Errors: kUnavailable "cannot reach SC at HOST:PORT (…)" where there is no peer, "SC at HOST:PORT
//         answers: …" where it was reached and cannot store anything; a status that
//         came with a `tidemark-refusal-bin` trailer carries that Refusal (RefusalOf).
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "tidemark/log/v1/log.pb.h"

namespace grpc {
class ClientContext;
class Status;
}  // namespace grpc

namespace tidemark::client {

// Whom a call goes to, for messages.
struct Peer {
  std::string name;      // "SC", "SPU"
  std::string endpoint;  // HOST:PORT
  std::string advice;    // what to check when it cannot be reached
};

absl::Status StatusOf(const grpc::Status& status, const grpc::ClientContext& context,
                      const Peer& peer);

// The status a refusal would have been on a unary call; the refusal travels with it.
absl::Status StatusOf(const tidemark::log::v1::Refusal& refusal);
std::optional<tidemark::log::v1::Refusal> RefusalOf(const absl::Status& status);

// "out of space on volume V: 412.0 MiB available, full mark …, goes on at …"; the server's own
// message where it gave one.
std::string DescribeRefusal(const tidemark::log::v1::Refusal& refusal);

}  // namespace tidemark::client
