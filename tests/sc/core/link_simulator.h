// Both protocol cores on one thread, with a network, a store and a disk that fail as a seed says.
//
// Scripted tests use it with a network that works: Settle() delivers and commits all there is.
// Hostile runs lose, repeat and reorder messages, cut streams and leave them half open, crash
// either side between any two effects, fail batches, wipe and roll back the SPU's slots, and
// replay messages of the past. A TruthChecker looks after every step.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "sc/core/controller_core.h"
#include "sc/core/status_of.h"
#include "tests/sc/core/sim_spu.h"
#include "tests/sc/core/sim_store.h"
#include "tests/sc/core/truth_checker.h"

namespace tidemark::sc {

class LinkSimulator {
 public:
  explicit LinkSimulator(std::uint64_t seed, SimSpu::Bugs bugs = {});

  // A network that works, for so long.
  void Settle(base::Duration duration = std::chrono::seconds(3));
  void CutStream();     // both sides see it
  void LoseRequests();  // what the SPU has sent and the SC has not yet got
  // One event at a time, for tests that follow a script. The first waiting one; false if none
  // waits.
  bool DeliverToController();
  bool DeliverToSpu();
  bool Commit();
  // Only the SPU sees it: what it has sent is still read by the controller, then SeeEnd().
  void DropConnection();
  void SeeEnd();
  void RestartController();
  void RestartSpu();
  // What the SPU's policy did; the effects are carried out.
  void Do(spu::LinkEffects effects);
  // `half_open`: the new stream stays, though nobody listens at its other end.
  void Inject(const v1::AttachRequest& request, bool new_stream, bool half_open = false);
  // A stream on which nobody says anything.
  void OpenSilentStream() { OpenWire(spu::LinkStreamId(0)).spu_end = true; }
  // Open ones, at the controller's end.
  std::size_t streams() const;
  // `tidemark spu replace`.
  absl::Status AllowReplace();
  void FailStore(bool fail) { store_fails_ = fail; }
  void Advance(base::Duration duration) { now_ = now_ + duration; }
  void Tick();

  // One event of a hostile world.
  void HostileStep();
  // Faults stop; all must agree in the end (L1).
  void HealAndCompare();

  v1::PartitionStatus Status(int volume) const;
  PartitionVerdict Verdict(int volume) const;
  bool EverShown(int volume, v1::PartitionStatus status) const;
  void ForgetShown();
  std::uint64_t CountEvents(const std::string& name, const std::string& reason) const;

  base::MonotonicTime now() const { return now_; }
  Moment moment() const;
  SimSpu& spu() { return spu_; }
  const ControllerCore& core() const { return *core_; }
  const SimStore& store() const { return store_; }
  TruthChecker& checker() { return checker_; }
  // Everything the SPU ever sent, newest last; bounded.
  const std::deque<v1::AttachRequest>& sent() const { return sent_; }
  const base::Uuid& volume(int index) const {
    return spu_.volumes()[static_cast<std::size_t>(index)];
  }

 private:
  struct Wire {
    StreamId id;
    spu::LinkStreamId link;  // 0: a replay that no SPU listens to
    std::uint64_t boot = 0;
    std::deque<v1::AttachRequest> to_controller;
    std::deque<v1::AttachResponse> to_spu;
    bool spu_end = true;
    bool controller_end = true;
  };

  bool Chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  std::size_t Pick(std::size_t size) { return static_cast<std::size_t>(random_() % size); }
  Wire* FindWire(spu::LinkStreamId link);
  Wire& OpenWire(spu::LinkStreamId link);
  void DoController(Effects effects);
  void CheckRows(const StoreBatch& batch);
  void DoStore();
  void DeliverToController(Wire& wire, std::size_t index);
  void DeliverToSpu(Wire& wire, std::size_t index);
  void CloseEnds(Wire& wire);
  void HostilePolicy();
  void HostileNetwork();
  void HostileCrash();
  void Replay();
  void Look();
  bool Agrees() const;

  std::mt19937_64 random_;
  bool hostile_ = false;
  bool store_fails_ = false;
  base::MonotonicTime now_{std::chrono::seconds(1000)};
  SimStore store_;
  std::unique_ptr<FixedAssignments> assignments_;
  std::unique_ptr<ControllerCore> core_;
  SimSpu spu_;
  TruthChecker checker_;
  std::deque<std::unique_ptr<Wire>> wires_;
  std::uint64_t newest_stream_ = 0;
  std::uint64_t controller_starts_ = 0;
  std::deque<spu::LinkEffect> spu_work_;
  bool spu_busy_ = false;
  std::deque<v1::AttachRequest> sent_;
  std::vector<std::vector<v1::PartitionStatus>> shown_;
};

}  // namespace tidemark::sc
