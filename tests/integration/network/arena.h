// Where faults of network and time are played: the stage of the story, one volume held OutOfSpace
// by a neighbour, the other Online, and both daemons' wall clocks in the test's hand.
//
// Lifetime:  everything is stopped, unmounted and removed when destroyed.
// Threading: confined to the thread that created it (the daemons die with it).
// Errors:    Create() → kUnimplemented with the reason where this machine cannot mount anything.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "cli/client/controller_client.h"
#include "cli/client/spu_client.h"
#include "tests/integration/network/wall_clock.h"
#include "tests/integration/story/stage.h"

namespace tidemark::network {

using story::kFull;
inline constexpr auto kOnline = sc::v1::PARTITION_STATUS_ONLINE;

// As the stage starts its SC.
inline constexpr base::Duration kLease = std::chrono::seconds(1);
// What is promised: after a fault SC and SPU agree again within this.
inline constexpr base::Duration kConvergence = kLease + std::chrono::seconds(2);

// What SC and SPU agreed on at one moment.
struct Agreement {
  std::uint64_t session = 0;
  std::uint64_t episode = 0;
  std::uint64_t full_generation = 0;
  std::uint64_t calm_generation = 0;
};

class Arena {
 public:
  static absl::StatusOr<std::unique_ptr<Arena>> Create(story::Reporter& reporter,
                                                       std::uint64_t seed);

  // Asks both sides. OK if every partition is reachable and shows what its volume is, the SC has
  // the SPU's generations and holds, and the SPU knows that its reports are acknowledged. Else what
  // is not so.
  absl::StatusOr<Agreement> Agree();
  // Waits for that, in a session newer than `after_session`.
  absl::StatusOr<Agreement> AwaitAgreement(std::uint64_t after_session = 0);
  // Waits until the SC shows the calm partitions as LeaderOffline, not reachable.
  absl::Status AwaitLeaderOffline() const;
  // Waits until the SPU says that it has no session.
  absl::Status AwaitDetached();
  // Passes `time`; while the SPU can be reached, it is written to.
  absl::Status Pass(base::Duration time, bool spu_serves);

  // Frees the full volume, waits for the proof, and wants every acknowledged record back.
  absl::Status Finish();
  // Compares what was written so far, byte for byte, and trims it, so that nothing fills up.
  absl::Status ReadAndTrim();

  story::Stage& stage() { return *stage_; }
  WallClock& sc_clock() { return *sc_clock_; }
  WallClock& spu_clock() { return *spu_clock_; }

 private:
  Arena() = default;
  absl::Status RestartWithClocks();
  absl::Status HoldOneVolume();
  absl::Status CheckPartitions();
  absl::Status CheckVolumes(Agreement& agreement);
  absl::Status CheckSynced();
  // Of a gauge of the SPU; -1 if it cannot be read.
  int SpuGauge(const std::string& name);
  client::ControllerClient& Controller();
  client::SpuClient& Spu();

  const base::SystemClock clock_{};
  std::unique_ptr<WallClock> sc_clock_;
  std::unique_ptr<WallClock> spu_clock_;
  std::unique_ptr<story::Stage> stage_;
  // Kept while they answer: a channel whose peer died would wait in gRPC's back-off.
  std::unique_ptr<client::ControllerClient> controller_;
  std::unique_ptr<client::SpuClient> spu_;
  std::uint16_t spu_http_port_ = 0;
};

}  // namespace tidemark::network
