// The SPU process: two volumes and the real link core, wired as spu_process wires them.
//
// Lifetime:  the Scheduler, the Wire and the Checker outlive it.
// Threading: one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <tuple>

#include "spu/core/link_core.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/mutation.h"
#include "tests/simulation/scheduler.h"
#include "tests/simulation/sim_volume.h"
#include "tests/simulation/wire.h"

namespace tidemark::simulation {

class SimSpu final : public Wire::SpuEnd, public SimVolume::Listener {
 public:
  SimSpu(std::uint64_t seed, Mutation mutation, Scheduler& scheduler, Wire& wire, Checker& checker);

  void Boot();
  // `seen`: its peer gets a reset; else it has to find out.
  void Kill(bool power_cut, bool seen);
  bool running() const { return link_.has_value(); }
  SimVolume& volume(std::size_t index) { return *volumes_[index]; }
  std::array<base::Uuid, kVolumes> uuids() const;
  const spu::LinkCore& link() const { return *link_; }
  const spu::IdentityRecord& identity() const { return identity_; }
  std::uint64_t superseded() const { return superseded_; }
  std::uint64_t boots() const { return identity_.boot_count; }

  void StreamClosed(spu::LinkStreamId stream) override;
  void Arrived(spu::LinkStreamId stream, const sc::v1::AttachResponse& message) override;
  void OnVolume(SimVolume& volume) override;
  void OnProcessDied() override;

 private:
  void Run(spu::LinkEffects effects);
  void DoOne(spu::LinkEffect effect);
  void Send(spu::SendMessage send);
  void TakeOn(const sc::v1::Assignments& assignments);
  void Reschedule();
  void Produce(std::size_t index);
  SimVolume* Find(const base::Uuid& uuid);

  const Mutation mutation_;
  Scheduler& scheduler_;
  Wire& wire_;
  Checker& checker_;
  Random random_;
  Random assignment_random_;  // its own: what is drawn of it moves no fault
  std::uint64_t newest_list_ = 0;
  std::array<std::unique_ptr<SimVolume>, kVolumes> volumes_;
  spu::IdentityRecord identity_;
  std::optional<spu::LinkCore> link_;
  std::deque<spu::LinkEffect> effects_;
  bool running_effects_ = false;
  std::optional<base::MonotonicTime> wake_at_;
  std::set<std::tuple<std::uint64_t, std::size_t, std::uint64_t>>
      said_;  // of the mutants that tell once
  std::uint64_t superseded_ = 0;
};

}  // namespace tidemark::simulation
