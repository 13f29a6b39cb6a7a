// The controller: the real core and topic table over a store that takes its time, fails, hangs, and
// loses what it had not committed when the process dies.
//
// Lifetime:  the Scheduler, the Wire and the Checker outlive it.
// Threading: one thread.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sc/core/controller_core.h"
#include "sc/core/topic_table.h"
#include "tests/sc/core/sim_store.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/mutation.h"
#include "tests/simulation/scheduler.h"
#include "tests/simulation/wire.h"

namespace tidemark::simulation {

inline constexpr char kSpuId[] = "spu-a";

class SimController final : public Wire::ControllerEnd {
 public:
  SimController(std::uint64_t seed, Mutation mutation,
                const std::array<base::Uuid, kVolumes>& volumes, Scheduler& scheduler, Wire& wire,
                Checker& checker);

  void Boot();
  // `seen`: its peer gets a reset; else it has to find out.
  void Kill(bool seen);
  // Dies before one of its next effects.
  void DieBetween(int effects) { effects_to_live_ = effects; }
  void FailStoreUntil(base::MonotonicTime time) { store_fails_until_ = time; }
  void HangStoreUntil(base::MonotonicTime time) { store_hangs_until_ = time; }

  bool running() const override { return core_ != nullptr; }
  void StreamOpened(sc::StreamId stream) override;
  void StreamClosed(sc::StreamId stream) override;
  void Arrived(sc::StreamId stream, const sc::v1::AttachRequest& message) override;

  const sc::ControllerCore& core() const { return *core_; }
  const sc::VolumeState* volume(std::size_t index) const;
  std::uint64_t starts() const { return starts_; }
  // What the newest event of history would be called "refused" by, for the tally.

 private:
  sc::Moment Now() const { return {scheduler_.now(), scheduler_.clock().WallNow()}; }
  void Do(sc::Effects effects);
  void DoOne(sc::Effect& effect);
  void Commit();
  void Tick();
  // The volumes of which this batch stores a report that is not the accepted one.
  std::vector<std::size_t> ReportsIn(const sc::StoreBatch& batch) const;
  void MustNotBeUp(std::size_t index, const std::string& why);
  void CheckSilence();
  void Look();
  // What a person would see of this volume; the mutants of the view are here.
  sc::v1::PartitionStatus StatusShown(std::size_t index, const sc::PartitionRecord& partition,
                                      std::uint64_t session);
  std::uint64_t LiveSession() const;
  // All that a message may not change, if it is of a dead session.
  std::uint64_t Fingerprint() const;
  std::uint64_t VolumeFingerprint(std::size_t index) const;
  // What the mutants make of a message before the core sees it; nullopt: it is swallowed.
  std::optional<sc::v1::AttachRequest> Mutate(sc::StreamId& stream,
                                              const sc::v1::AttachRequest& message);

  const Mutation mutation_;
  const std::array<base::Uuid, kVolumes> volumes_;
  Scheduler& scheduler_;
  Wire& wire_;
  Checker& checker_;
  Random random_;
  sc::SimStore store_;
  std::unique_ptr<sc::TopicTable> topics_;
  std::unique_ptr<sc::ControllerCore> core_;
  std::deque<sc::StoreToken> early_;  // told as committed, and not so: of kPublishBeforePersist
  std::optional<int> effects_to_live_;
  base::MonotonicTime heard_;                            // from whom the session is, or his Hello
  std::map<sc::StoreToken, base::MonotonicTime> asked_;  // of the store, and not answered
  base::MonotonicTime store_fails_until_;
  base::MonotonicTime store_hangs_until_;
  std::uint64_t starts_ = 0;
  std::array<std::uint64_t, kVolumes> looked_{};
  std::array<sc::v1::PartitionStatus, kVolumes> enum_{};  // of kOneEnum
};

}  // namespace tidemark::simulation
