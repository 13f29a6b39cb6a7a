#include "sc/sc_process.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/status_macros.h"
#include "daemon/grpc_health_publisher.h"
#include "daemon/grpc_server.h"
#include "daemon/health.h"
#include "daemon/health_routes.h"
#include "daemon/http_server.h"
#include "daemon/log.h"
#include "daemon/loop/timer.h"
#include "daemon/metrics.h"
#include "sc/services/services.h"
#include "sc/store/sqlite_store.h"

namespace tidemark::sc {
namespace {

constexpr base::Duration kHealthInterval = std::chrono::milliseconds(250);
constexpr base::Duration kCallsGrace = std::chrono::seconds(1);

using daemon::HealthQuestion;

}  // namespace

ScProcess::ScProcess(daemon::EventLoop& loop, const base::Clock& clock, const ScOptions& options)
    : loop_(loop),
      clock_(clock),
      options_(options),
      store_health_(std::make_shared<StoreHealth>()),
      health_(std::make_shared<daemon::HealthRegistry>()),
      metrics_(std::make_shared<daemon::MetricRegistry>()) {}

ScProcess::~ScProcess() {
  serving_timer_.reset();
  stop_timer_.reset();
  health_publisher_.reset();
  http_.reset();
  server_.reset();  // cancels what is left and waits for its callbacks
  // Nothing waits for the store after Stop(); without it, what does gets the same grace.
  if (controller_ != nullptr) controller_->StopWithin(options_.daemon.drain_grace);
}

absl::StatusOr<std::unique_ptr<ScProcess>> ScProcess::Start(daemon::EventLoop& loop,
                                                            const base::Clock& clock,
                                                            const ScOptions& options) {
  TM_ASSIGN_OR_RETURN(std::shared_ptr<SqliteStore> store,
                      SqliteStore::Open({.data_directory = options.data_directory,
                                         .reserve_bytes = options.reserve_bytes,
                                         .events = static_cast<std::uint64_t>(options.events)}));
  return StartOn(loop, clock, options, std::move(store));
}

absl::StatusOr<std::unique_ptr<ScProcess>> ScProcess::StartOn(daemon::EventLoop& loop,
                                                              const base::Clock& clock,
                                                              const ScOptions& options,
                                                              std::shared_ptr<StatusStore> store) {
  std::unique_ptr<ScProcess> process(new ScProcess(loop, clock, options));
  TM_RETURN_IF_ERROR(process->Serve(std::move(store)));
  return process;
}

absl::Status ScProcess::Serve(std::shared_ptr<StatusStore> store) {
  TM_ASSIGN_OR_RETURN(const StoreContents contents, store->Load());
  controller_ = std::make_unique<Controller>(
      loop_, clock_, ControllerOptions{.lease = options_.lease, .heartbeat = options_.heartbeat},
      contents, std::move(store), store_health_, *metrics_);
  services_ = std::make_unique<Services>(loop_, *controller_);
  AddHealthChecks();
  AddMetrics();

  daemon::GrpcServerOptions server;
  server.endpoint = options_.daemon.grpc_listen;
  server.health_services = Services::HealthNames();
  for (const std::string& name : daemon::GrpcHealthPublisher::Services()) {
    server.health_services.push_back(name);
  }
  TM_ASSIGN_OR_RETURN(server_, daemon::GrpcServer::Start(loop_, server, services_->all()));
  health_publisher_ =
      std::make_unique<daemon::GrpcHealthPublisher>(*server_, health_, kHealthInterval);
  daemon::HttpServer::Routes routes;
  daemon::AddHealthRoutes(routes, health_);
  daemon::AddMetricsRoute(routes, metrics_);
  TM_ASSIGN_OR_RETURN(http_,
                      daemon::HttpServer::Start(options_.daemon.http_listen, std::move(routes)));
  serving_timer_ = std::make_unique<daemon::Timer>(loop_, [this] { PublishServing(); });
  serving_timer_->StartPeriodic(kHealthInterval);
  PublishServing();
  daemon::Log(daemon::LogLevel::kInfo, "sc.serving",
              {{"grpc", grpc_endpoint().ToString()},
               {"http", http_endpoint().ToString()},
               {"cluster", contents.cluster.cluster_id.ToString()},
               {"store_epoch", contents.cluster.store_epoch},
               {"topics", contents.topics.size()},
               {"volumes", contents.volumes.size()}});
  return absl::OkStatus();
}

void ScProcess::AddHealthChecks() {
  health_->Add("loop", {HealthQuestion::kLive, HealthQuestion::kReady, HealthQuestion::kStarted},
               daemon::LoopTurns(loop_.heartbeat(), clock_, options_.daemon.loop_limit));
  // Not liveness: a restart makes no space on the controller's disk.
  health_->Add(
      "store", {HealthQuestion::kReady}, [health = store_health_] { return health->Problem(); },
      [health = store_health_] { return health->Note(); });
}

void ScProcess::AddMetrics() {
  metrics_->AddBuildInfo("tidemark-sc", TIDEMARK_VERSION);
  metrics_->AddGaugeFunction("tidemark_sc_store_writable", "1 while the store can persist.", {},
                             [health = store_health_] { return health->Problem() ? 0.0 : 1.0; });
  metrics_->AddGaugeFunction("tidemark_sc_store_reserve_bytes", "Reserve held beside the store.",
                             {}, [health = store_health_] {
                               const StoreReserve reserve = health->reserve();
                               return reserve.held ? static_cast<double>(reserve.bytes) : 0.0;
                             });
}

void ScProcess::PublishServing() {
  const bool writable = !store_health_->Problem().has_value();
  for (const std::string& name : Services::HealthNames()) server_->SetServing(name, writable);
}

daemon::Endpoint ScProcess::grpc_endpoint() const { return server_->endpoint(); }
daemon::Endpoint ScProcess::http_endpoint() const { return http_->endpoint(); }

void ScProcess::Stop(absl::AnyInvocable<void()> done) {
  daemon::Log(daemon::LogLevel::kInfo, "sc.stopping");
  when_stopped_ = std::move(done);
  serving_timer_->Stop();
  server_->StopAccepting();
  controller_->Drain();
  // Streams were ended just now. What is left after this is idle connections whose owners do not
  // even read the goodbye (a client between two synchronous calls): gRPC would wait for them.
  server_->ShutDown(std::min(options_.daemon.drain_grace, kCallsGrace), [this] {
    controller_->WhenIdle([this] {
      stop_timer_->Stop();
      if (when_stopped_ != nullptr) std::exchange(when_stopped_, nullptr)();
    });
  });
  // A disk that hangs must not keep the process, nor the calls that wait for it.
  stop_timer_ = std::make_unique<daemon::Timer>(loop_, [this] {
    daemon::Log(daemon::LogLevel::kError, "store.abandoned",
                {{"why", "the disk did not answer within the drain's grace"}});
    controller_->AbandonStore();
  });
  stop_timer_->StartOnce(options_.daemon.drain_grace);
}

}  // namespace tidemark::sc
