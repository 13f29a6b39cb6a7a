// A gRPC client channel for one attempt.
//
// gRPC's own reconnect back-off (1 … 120 s) would sit under ours, so every attempt gets a new
// channel with a subchannel pool of its own; keepalive matches what GrpcServer permits.
#pragma once

#include <memory>
#include <string>

#include "daemon/grpc_server.h"

namespace grpc {
class Channel;
class ChannelCredentials;
}  // namespace grpc

namespace tidemark::daemon {

struct GrpcChannelOptions {
  std::shared_ptr<grpc::ChannelCredentials> credentials{};  // null: plaintext
  int max_message_bytes = kMaxMessageBytes;
};

// `target` is "host:port". Does not connect yet.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& target,
                                          const GrpcChannelOptions& options = {});

}  // namespace tidemark::daemon
