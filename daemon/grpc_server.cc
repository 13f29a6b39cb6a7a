#include "daemon/grpc_server.h"

#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <utility>

#include "absl/status/status.h"
#include "base/status_macros.h"

namespace tidemark::daemon {
namespace {

using grpc::experimental::ExternalConnectionAcceptor;

int Milliseconds(base::Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

std::chrono::system_clock::time_point InFuture(base::Duration duration) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(duration);
}

void SetLimits(const GrpcServerOptions& options, grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("tidemark");
  quota.Resize(options.memory_bytes);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(options.max_message_bytes);
  builder.SetMaxSendMessageSize(options.max_message_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.max_metadata_bytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(options.handshake_timeout));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                             Milliseconds(options.max_connection_idle));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kKeepaliveTime));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveTimeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Milliseconds(kShortestPingInterval));
}

void HandOver(ExternalConnectionAcceptor& grpc_side, UniqueFd connection) {
  ExternalConnectionAcceptor::NewConnectionParameters parameters;
  parameters.fd = connection.Release();
  grpc_side.HandleNewConnection(&parameters);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    EventLoop& loop, const GrpcServerOptions& options,
    const std::vector<grpc::Service*>& services) {
  loop.AssertOnLoop();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  SetLimits(options, builder);
  for (grpc::Service* service : services) builder.RegisterService(service);
  const std::shared_ptr<ExternalConnectionAcceptor> grpc_side =
      builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
          options.credentials != nullptr ? options.credentials : grpc::InsecureServerCredentials());

  // The socket first: once gRPC runs, an error could only be told by shutting it down again.
  TM_ASSIGN_OR_RETURN(
      std::unique_ptr<TcpAcceptor> acceptor,
      TcpAcceptor::Listen(loop, options.endpoint,
                          options.descriptor_limit.value_or(DefaultDescriptorLimit()),
                          [grpc_side](UniqueFd fd) { HandOver(*grpc_side, std::move(fd)); }));
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    return absl::UnavailableError("start gRPC server: gRPC refused its configuration");
  }
  std::unique_ptr<GrpcServer> started(new GrpcServer(loop, std::move(server), std::move(acceptor)));
  for (const std::string& service : options.health_services) started->SetServing(service, false);
  started->SetServing("", false);
  return started;
}

GrpcServer::GrpcServer(EventLoop& loop, std::unique_ptr<grpc::Server> server,
                       std::unique_ptr<TcpAcceptor> acceptor)
    : loop_(loop),
      endpoint_(acceptor->endpoint()),
      server_(std::move(server)),
      acceptor_(std::move(acceptor)) {}

GrpcServer::~GrpcServer() {
  StopAccepting();
  if (shutdown_.joinable()) {
    shutdown_.join();
  } else {
    server_->Shutdown(std::chrono::system_clock::now());
  }
}

void GrpcServer::SetServing(std::string_view health_service, bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(std::string(health_service), serving);
}

void GrpcServer::StopAccepting() {
  loop_.AssertOnLoop();
  if (acceptor_ == nullptr) return;
  acceptor_.reset();
  server_->GetHealthCheckService()->Shutdown();
}

void GrpcServer::ShutDown(base::Duration grace, absl::AnyInvocable<void()> done) {
  StopAccepting();
  TM_CHECK(!shutdown_.joinable());
  // A thread of its own: calls end only while the loop turns.
  shutdown_ = std::thread([server = server_.get(), queue = loop_.queue(),
                           deadline = InFuture(grace), reply = std::move(done)]() mutable {
    server->Shutdown(deadline);
    queue->PostControl(std::move(reply));
  });
}

}  // namespace tidemark::daemon
