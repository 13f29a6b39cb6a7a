// A whole SPU on a loop: identity, volumes, link to the SC, services, gRPC server, health port.
//
// Order of a start: identity (boot counted, durable) → volumes opened → ports → link → partitions
// recovered in the background → verdicts begin. Order of an end: no new calls, streams answered,
// partitions closed cleanly, goodbye.
//
// Lifetime:  the loop outlives it; clock and file system live as long as the process, since a call
//            that hangs in the kernel may still use them.
// Threading: confined to the loop.
// Errors:    Start() says what is wrong with the identity, the volumes or the ports. What is wrong
//            with one volume of several is logged, fails readiness, and does not stop the others.
#pragma once

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "daemon/health.h"
#include "daemon/loop/endpoint.h"
#include "daemon/loop/event_loop.h"
#include "daemon/loop/timer.h"
#include "daemon/metrics.h"
#include "spu/assignment_book.h"
#include "spu/config.h"
#include "spu/health_state.h"
#include "spu/identity_store.h"
#include "spu/local_partitions.h"
#include "spu/local_volumes.h"
#include "spu/rpc/services.h"
#include "spu/sc_link.h"
#include "spu/spu_metrics.h"

namespace tidemark::daemon {
class GrpcHealthPublisher;
class GrpcServer;
class HttpServer;
}  // namespace tidemark::daemon

namespace tidemark::spu {

class SpuProcess final : public VolumeListener, public LinkListener {
 public:
  // `on_exit(code)`: the process must end, and why was logged (superseded, marks that do not fit).
  using OnExitCallback = absl::AnyInvocable<void(int code)>;

  static absl::StatusOr<std::unique_ptr<SpuProcess>> Start(daemon::EventLoop& loop,
                                                           const base::Clock& clock,
                                                           storage::FileSystem& file_system,
                                                           const SpuOptions& options,
                                                           OnExitCallback on_exit);
  ~SpuProcess() override;

  daemon::Endpoint grpc_endpoint() const;
  daemon::Endpoint http_endpoint() const;
  const VolumeSet& volumes() const { return volumes_; }

  void Stop(absl::AnyInvocable<void()> done);

  // VolumeListener
  void OnVolumeChanged(const base::Uuid& volume) override;
  void OnCommitted(base::Duration took) override { spu_metrics_.OnCommit(took); }

  // LinkListener
  void OnProofRefused(const ProofRefused& refused) override;
  void OnWiped(const Wiped& wiped) override;
  void OnHelloRefused(tidemark::sc::v1::NackReason reason) override {
    spu_metrics_.OnHelloRefused(reason);
  }
  void OnReportRefused(tidemark::sc::v1::ReportRefusal reason) override {
    spu_metrics_.OnReportRefused(reason);
  }
  void OnAssignments(const tidemark::sc::v1::Assignments& assignments) override;
  void OnLinkChanged(bool attached) override;
  void OnFence(const std::string& why) override;
  void OnExit(int code, const std::string& why) override;

 private:
  SpuProcess(daemon::EventLoop& loop, const base::Clock& clock, const SpuOptions& options,
             OnExitCallback on_exit);

  // Services that gRPC health knows by name.
  static constexpr char kProduceHealth[] = "tidemark.log.v1.ProduceService";
  static constexpr char kConsumeHealth[] = "tidemark.log.v1.ConsumeService";

  absl::Status OpenVolumes(storage::FileSystem& file_system);
  absl::Status StartServer();
  void StartLink();
  void StartVolumes();
  void OnVolumeNotStarted(const Volume& volume, const absl::Status& why);
  void Tick();
  void PublishProgress();
  void PublishLink();
  void EndServer(absl::AnyInvocable<void()> done);
  void StopVolumes(absl::AnyInvocable<void()> done);

  // What probes are told (spu_process_health.cc).
  void AddHealthChecks();
  void PublishHealth();
  bool MayProduce() const;

  daemon::EventLoop& loop_;
  const base::Clock& clock_;
  const SpuOptions options_;
  OnExitCallback on_exit_;

  std::shared_ptr<daemon::HealthRegistry> health_;
  std::shared_ptr<daemon::MetricRegistry> metrics_;
  std::shared_ptr<HealthState> health_state_;
  SpuMetrics spu_metrics_;
  std::unique_ptr<IdentityStore> identity_;
  VolumeSet volumes_;
  std::string volume_faults_;  // of volumes that could not be opened
  std::string fence_;          // see Fence
  LocalPartitions partitions_;
  LocalVolumes local_volumes_;
  std::unique_ptr<AssignmentBook> book_;
  std::unique_ptr<ScLink> link_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<daemon::GrpcServer> server_;
  std::unique_ptr<daemon::GrpcHealthPublisher> health_publisher_;
  std::unique_ptr<daemon::HttpServer> http_;
  daemon::Timer tick_;
  std::unique_ptr<daemon::Timer> drain_;
  std::size_t stopping_volumes_ = 0;
};

}  // namespace tidemark::spu
