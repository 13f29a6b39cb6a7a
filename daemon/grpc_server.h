// A gRPC server (callback API) on a listening socket of our own.
//
// Lifetime:  Start() → serving. To end: StopAccepting(), then ShutDown(), then destroy. Services
//            outlive the server. Without ShutDown() the destructor cancels what is left and waits
//            for it, which only unary calls that need no loop survive.
// Threading: confined to the loop, but SetServing() from any thread. Services are called on gRPC's
//            threads and Post() to the loop.
// Errors:    Start() as ListenSocket::Open(); kUnavailable if gRPC refuses to start (it wants at
//            least one service with callback methods).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/byte_size.h"
#include "base/clock.h"
#include "daemon/loop/event_loop.h"
#include "daemon/loop/tcp_acceptor.h"

namespace grpc {
class Server;
class ServerCredentials;
class Service;
}  // namespace grpc

namespace tidemark::daemon {

// Both ends of a connection must agree: a client that pings more often than the server allows is
// thrown out after two strikes.
inline constexpr base::Duration kKeepaliveTime = std::chrono::seconds(10);
inline constexpr base::Duration kKeepaliveTimeout = std::chrono::seconds(5);
inline constexpr base::Duration kShortestPingInterval = std::chrono::seconds(5);
inline constexpr int kMaxMessageBytes = static_cast<int>(4 * base::kMiB);

struct GrpcServerOptions {
  Endpoint endpoint{};
  std::shared_ptr<grpc::ServerCredentials> credentials{};  // null: plaintext
  int max_message_bytes = kMaxMessageBytes;
  int max_metadata_bytes = 16 * 1024;
  int max_concurrent_streams = 256;  // per connection
  std::size_t memory_bytes = 256 * base::kMiB;
  base::Duration handshake_timeout = std::chrono::seconds(10);
  base::Duration max_connection_idle = std::chrono::minutes(10);
  std::optional<int> descriptor_limit{};  // default: DefaultDescriptorLimit()
  // grpc.health.v1 names, all NOT_SERVING until SetServing(); others are unknown to a client.
  std::vector<std::string> health_services{};
};

class GrpcServer {
 public:
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      EventLoop& loop, const GrpcServerOptions& options,
      const std::vector<grpc::Service*>& services);
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  // With the real port, where 0 was asked for.
  Endpoint endpoint() const { return endpoint_; }
  // Null after StopAccepting().
  const TcpAcceptor* acceptor() const { return acceptor_.get(); }

  // grpc.health.v1: "" is the server itself. No effect after StopAccepting().
  void SetServing(std::string_view health_service, bool serving);

  // Lame duck: no new connection, every health service NOT_SERVING for good.
  void StopAccepting();
  // Waits for running calls off the loop, cancels those still there after `grace`, then calls
  // `done` on the loop.
  void ShutDown(base::Duration grace, absl::AnyInvocable<void()> done);

 private:
  GrpcServer(EventLoop& loop, std::unique_ptr<grpc::Server> server,
             std::unique_ptr<TcpAcceptor> acceptor);

  EventLoop& loop_;
  Endpoint endpoint_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<TcpAcceptor> acceptor_;
  std::thread shutdown_;
};

}  // namespace tidemark::daemon
