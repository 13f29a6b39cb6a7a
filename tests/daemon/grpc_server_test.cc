#include "daemon/grpc_server.h"

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <optional>
#include <vector>

#include "daemon/grpc_channel.h"
#include "daemon/grpc_health_publisher.h"
#include "daemon/rpc_error.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/support/await.h"
#include "tests/support/loop_thread.h"
#include "tests/support/status_matchers.h"
#include "tidemark/space/v1/volume_service.grpc.pb.h"

namespace tidemark::daemon {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using std::chrono_literals::operator""ms;
using support::kLongWait;
using support::LoopThread;
using support::StatusIs;
using support::WaitFor;

std::chrono::system_clock::time_point LongDeadline() {
  return std::chrono::system_clock::now() + kLongWait;
}

class GrpcServerTest : public testing::Test {
 protected:
  GrpcServerTest() : loop_(EventLoopOptions{.queue = {}, .heartbeat_interval = 5ms}) {}
  ~GrpcServerTest() override {
    if (server_ != nullptr) ShutDown();
  }

  void Start(GrpcServerOptions options = {}) {
    options.endpoint = {"127.0.0.1", 0};
    loop_.Run([&] {
      auto server = GrpcServer::Start(*loop_, options, {&service_});
      EXPECT_OK(server);
      server_ = *std::move(server);
    });
  }

  void ShutDown() {
    std::promise<void> done;
    loop_->PostControl([&] {
      server_->ShutDown(10ms, [&] {
        server_.reset();
        done.set_value();
      });
    });
    done.get_future().wait();
  }

  std::unique_ptr<Health::Stub> Connect() {
    return Health::NewStub(NewChannel(server_->endpoint().ToString()));
  }

  // The status of `service`, or of the call.
  absl::StatusOr<bool> Serving(Health::Stub& stub, const std::string& service) {
    grpc::ClientContext context;
    context.set_deadline(LongDeadline());
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    const absl::Status called = FromGrpc(stub.Check(&context, request, &response));
    if (!called.ok()) return called;
    return response.status() == HealthCheckResponse::SERVING;
  }

  // gRPC starts only with a callback method to serve; this one answers UNIMPLEMENTED.
  space::v1::VolumeService::CallbackService service_;
  LoopThread loop_;
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(GrpcServerTest, HealthIsNotServingUntilSaidPerService) {
  Start({.health_services = {"tidemark.log.v1.ProduceService", "tidemark.log.v1.ConsumeService"}});
  const auto stub = Connect();
  EXPECT_THAT(Serving(*stub, ""), support::IsOkAndHolds(false));
  EXPECT_THAT(Serving(*stub, "tidemark.log.v1.ProduceService"), support::IsOkAndHolds(false));
  server_->SetServing("tidemark.log.v1.ConsumeService", true);
  EXPECT_THAT(Serving(*stub, "tidemark.log.v1.ConsumeService"), support::IsOkAndHolds(true));
  EXPECT_THAT(Serving(*stub, "tidemark.log.v1.ProduceService"), support::IsOkAndHolds(false));
  EXPECT_THAT(Serving(*stub, "unknown"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(server_->acceptor()->accepted(), 1U);
}

TEST_F(GrpcServerTest, WatchersSeeEveryChangeAndTheEnd) {
  Start({.health_services = {"produce"}});
  const auto stub = Connect();
  grpc::ClientContext context;
  context.set_deadline(LongDeadline());
  HealthCheckRequest request;
  request.set_service("produce");
  const auto watch = stub->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  server_->SetServing("produce", true);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  loop_.Run([&] {
    server_->StopAccepting();
    EXPECT_EQ(server_->acceptor(), nullptr);
  });
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  server_->SetServing("produce", true);  // too late: the end is for good
  ShutDown();                            // cancels the watch after its grace time
  while (watch->Read(&response)) {
    EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  }
}

TEST_F(GrpcServerTest, RefusesMetadataAndMessagesBeyondTheirLimits) {
  Start({.max_message_bytes = 1000, .max_metadata_bytes = 2048});
  const auto stub = Connect();
  EXPECT_THAT(Serving(*stub, std::string(5000, 'x')),
              StatusIs(absl::StatusCode::kResourceExhausted));
  grpc::ClientContext context;
  context.set_deadline(LongDeadline());
  context.AddMetadata("x-large", std::string(10'000, 'x'));
  HealthCheckResponse response;
  EXPECT_FALSE(stub->Check(&context, HealthCheckRequest(), &response).ok());
  // That connection may be closed, the server goes on.
  EXPECT_TRUE(WaitFor([&] { return Serving(*Connect(), "").ok(); }, kLongWait, "a new call"));
}

TEST_F(GrpcServerTest, ServesAgainAfterMoreIdleConnectionsThanItsDescriptors) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const UniqueFd lowest(dup(2));
  Start({.descriptor_limit = lowest.get() + 40});
  const Endpoint endpoint = server_->endpoint();
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 100; ++i) {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    idle.push_back(std::move(fd));
  }
  EXPECT_TRUE(WaitFor(
      [&] { return server_->acceptor()->accepted() + server_->acceptor()->refused() == 100; },
      kLongWait, "all connections to be taken or refused"));
  EXPECT_GT(server_->acceptor()->refused(), 0U);
  idle.clear();
  EXPECT_TRUE(WaitFor([&] { return Serving(*Connect(), "").ok(); }, kLongWait, "a new call"));
}

TEST_F(GrpcServerTest, APublishedLivenessFailsWhileTheLoopIsStuck) {
  Start({.health_services = GrpcHealthPublisher::Services()});
  const base::SystemClock clock;
  const auto health = std::make_shared<HealthRegistry>();
  health->Add("loop", {HealthQuestion::kLive}, LoopTurns(loop_->heartbeat(), clock, 2000ms));
  std::optional<GrpcHealthPublisher> publisher;
  publisher.emplace(*server_, health, 5ms);
  const auto stub = Connect();
  const auto live = [&](bool expected) {
    const auto serving = Serving(*stub, "liveness");
    return serving.ok() && *serving == expected;
  };
  EXPECT_TRUE(WaitFor([&] { return live(true); }, kLongWait, "liveness"));
  EXPECT_THAT(Serving(*stub, "startup"), support::IsOkAndHolds(true));

  std::promise<void> release;
  loop_->PostControl([&] { release.get_future().wait(); });
  EXPECT_TRUE(WaitFor([&] { return live(false); }, kLongWait, "liveness to fail"));
  EXPECT_THAT(Serving(*stub, "readiness"), support::IsOkAndHolds(true));
  release.set_value();
  EXPECT_TRUE(WaitFor([&] { return live(true); }, kLongWait, "liveness to pass again"));
  publisher.reset();
}

// The story asked for readiness half a second after a start and was told the answer of before.
TEST_F(GrpcServerTest, WhatIsKnownToHaveChangedIsPublishedAtOnce) {
  Start({.health_services = GrpcHealthPublisher::Services()});
  std::atomic<bool> ready = false;
  const auto health = std::make_shared<HealthRegistry>();
  health->Add("recovery", {HealthQuestion::kReady}, [&ready]() -> std::optional<std::string> {
    return ready ? std::nullopt : std::optional<std::string>("still opening");
  });
  GrpcHealthPublisher publisher(*server_, health, std::chrono::hours(1));
  const auto stub = Connect();
  EXPECT_TRUE(WaitFor([&] { return Serving(*stub, "liveness").value_or(false); }, kLongWait,
                      "the first answers"));
  ready = true;
  publisher.Refresh();
  EXPECT_TRUE(WaitFor([&] { return Serving(*stub, "readiness").value_or(false); }, kLongWait,
                      "the new one"));
  EXPECT_THAT(Serving(*stub, ""), support::IsOkAndHolds(true));
}

TEST_F(GrpcServerTest, SaysWhichPortIsTaken) {
  Start();
  loop_.Run([&] {
    EXPECT_THAT(GrpcServer::Start(*loop_, {.endpoint = server_->endpoint()}, {&service_}),
                StatusIs(absl::StatusCode::kUnavailable,
                         testing::HasSubstr(server_->endpoint().ToString())));
  });
}

}  // namespace
}  // namespace tidemark::daemon
