// A whole controller on a loop: store, core, services, gRPC server, health port.
//
// Order of an end: Stop() drains and calls back, the owner ends the loop and destroys this. A store
// that hangs in the kernel is left behind, not waited for.
//
// Lifetime:  the loop outlives it.
// Threading: confined to the loop; the ports may be read from any thread once started.
// Errors:    Start() as SqliteStore::Open(), GrpcServer::Start() and HttpServer::Start().
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "daemon/loop/event_loop.h"
#include "sc/config.h"
#include "sc/controller.h"
#include "sc/store/status_store.h"
#include "sc/store_health.h"

namespace tidemark::daemon {
class GrpcHealthPublisher;
class GrpcServer;
class HealthRegistry;
class HttpServer;
class MetricRegistry;
class Timer;
}  // namespace tidemark::daemon

namespace tidemark::sc {

class Services;

class ScProcess {
 public:
  // `clock` outlives it.
  static absl::StatusOr<std::unique_ptr<ScProcess>> Start(daemon::EventLoop& loop,
                                                          const base::Clock& clock,
                                                          const ScOptions& options);
  // The same on a store of the caller's.
  static absl::StatusOr<std::unique_ptr<ScProcess>> StartOn(daemon::EventLoop& loop,
                                                            const base::Clock& clock,
                                                            const ScOptions& options,
                                                            std::shared_ptr<StatusStore> store);
  ~ScProcess();
  ScProcess(const ScProcess&) = delete;
  ScProcess& operator=(const ScProcess&) = delete;

  daemon::Endpoint grpc_endpoint() const;
  daemon::Endpoint http_endpoint() const;
  Controller& controller() { return *controller_; }

  // Streams are ended, running calls finished, what waits for the store written; then `done`, after
  // the drain's grace at the latest.
  void Stop(absl::AnyInvocable<void()> done);

 private:
  ScProcess(daemon::EventLoop& loop, const base::Clock& clock, const ScOptions& options);

  absl::Status Serve(std::shared_ptr<StatusStore> store);
  void AddHealthChecks();
  void AddMetrics();
  void PublishServing();

  daemon::EventLoop& loop_;
  const base::Clock& clock_;
  const ScOptions options_;
  std::shared_ptr<StoreHealth> store_health_;
  std::shared_ptr<daemon::HealthRegistry> health_;
  std::shared_ptr<daemon::MetricRegistry> metrics_;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<daemon::GrpcServer> server_;
  std::unique_ptr<daemon::GrpcHealthPublisher> health_publisher_;
  std::unique_ptr<daemon::HttpServer> http_;
  std::unique_ptr<daemon::Timer> serving_timer_;
  std::unique_ptr<daemon::Timer> stop_timer_;
  absl::AnyInvocable<void()> when_stopped_;
};

}  // namespace tidemark::sc
