// A real SC and a real, watched SPU on a tiny volume, made anew for every day.
//
// Both live on small tmpfs mounts of their own: the volume (which gets full) and a home for the
// SC's store, the SPU's identity, logs and the shim's record. Daemons run as nobody when we are
// root; the shim is copied to where nobody may read it.
//
// Lifetime:  one per worker; daemons are killed, mounts unmounted when destroyed.
// Threading: created by the main thread before it has others, then confined to its worker, whose
//            children die with it.
// Errors:    kUnimplemented with the reason where this machine cannot mount.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/client/controller_client.h"
#include "cli/client/producer.h"
#include "cli/client/spu_client.h"
#include "tests/integration/faults/fault_record.h"
#include "tests/support/daemon_process.h"
#include "tests/support/small_volume.h"

namespace tidemark::faults {

inline constexpr std::int64_t kVolumeBytes = 240LL * 1024;
// Looks cost both ends something, and days are many.
inline constexpr std::chrono::milliseconds kLookEvery{10};
inline constexpr std::int64_t kFullBytes = 32LL * 1024;
inline constexpr std::int64_t kStepBytes = 16LL * 1024;

class Cluster {
 public:
  // `library`: the built shim.
  static absl::StatusOr<std::unique_ptr<Cluster>> Create(const std::string& library);
  ~Cluster();

  // Throws away what was, formats a fresh volume, starts the SC. The SPU is not started.
  absl::Status Renew();
  // With the shim in front; waits until it answers.
  absl::Status StartAgent();
  // SIGTERM, and waits; kInternal if it did not end by itself, well.
  absl::Status StopAgent();
  void KillAgent();
  // How it ended; nullopt while it runs.
  std::optional<support::ExitStatus> AgentExit();
  // Somebody else has ended the SC: it leaves with 0 only when it is told to, and we never do.
  bool ControllerWasStopped();
  // The ends of both logs, and whether the SC still runs.
  std::string Logs();

  const client::ControllerClient& controller() const { return *controller_; }
  const client::SpuClient& agent() const { return *agent_; }
  const std::string& agent_endpoint() const { return agent_endpoint_; }
  FaultRecord& faults() { return *faults_; }

  std::string volume() const { return volume_->path() + "/tidemark"; }
  std::string state() const { return home_->path() + "/spu-state"; }
  std::vector<std::string> scope() const { return {volume(), state()}; }

 private:
  Cluster() = default;
  absl::Status StartController();
  absl::Status WriteConfig();

  std::unique_ptr<support::SmallVolume> volume_;
  std::unique_ptr<support::SmallVolume> home_;
  std::string library_;
  std::unique_ptr<FaultRecord> faults_;
  std::unique_ptr<support::DaemonProcess> sc_;
  std::unique_ptr<support::DaemonProcess> spu_;
  std::string controller_endpoint_;
  std::string agent_endpoint_;
  std::unique_ptr<client::ControllerClient> controller_;
  std::unique_ptr<client::SpuClient> agent_;
};

}  // namespace tidemark::faults
