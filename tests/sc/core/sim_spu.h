// An SPU as far as the link goes: a disk that survives a crash, a policy that writes it, the link
// core.
//
// The policy writes first and tells after, except where a test breaks it on purpose.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "spu/core/link_core.h"

namespace tidemark::sc {

class SimSpu {
 public:
  struct Bugs {
    bool tells_before_durable = false;
    bool ignores_wiped = false;
    bool ignores_proof_refused = false;
  };
  // What a volume's slots hold.
  struct Disk {
    spu::IdentityRecord identity;
    std::map<base::Uuid, v1::Report> records;
    // Everything ever written, for rollbacks and for the checker.
    std::map<base::Uuid, std::vector<v1::Report>> written;
  };

  SimSpu(const std::vector<base::Uuid>& volumes, std::uint64_t seed);

  // A new process: counts the boot, forgets faults, reads the slots.
  spu::LinkEffects Boot(base::MonotonicTime now);
  spu::LinkCore& link() { return *link_; }
  const spu::LinkCore& link() const { return *link_; }
  const Disk& disk() const { return disk_; }
  const std::vector<base::Uuid>& volumes() const { return volumes_; }
  Bugs& bugs() { return bugs_; }

  // Policy. Each makes a record, and the effects of telling it.
  spu::LinkEffects OutOfSpace(const base::Uuid& volume, base::MonotonicTime now);
  spu::LinkEffects Reclaim(const base::Uuid& volume, base::MonotonicTime now);
  // Lifts the space hold as a broken SPU would.
  enum class Lie { kNoProof, kShortProof, kEarlierEpisode };
  spu::LinkEffects ReclaimFalsely(const base::Uuid& volume, Lie lie, base::MonotonicTime now);
  spu::LinkEffects ToggleBlind(const base::Uuid& volume, base::MonotonicTime now);
  spu::LinkEffects ToggleOperator(const base::Uuid& volume, base::MonotonicTime now);
  spu::LinkEffects ChangeMarks(const base::Uuid& volume, base::MonotonicTime now);
  // Beside the generation; gone at the next boot.
  spu::LinkEffects FailDevice(const base::Uuid& volume, base::MonotonicTime now);
  spu::LinkEffects Wiped(const spu::Wiped& wiped, base::MonotonicTime now);
  spu::LinkEffects ProofRefused(const spu::ProofRefused& refused, base::MonotonicTime now);

  // While it is down: the slots are lost, or are those of an earlier time.
  void WipeDisk(const base::Uuid& volume);
  void RollBackDisk(const base::Uuid& volume, std::size_t records);
  // Of a write that was told but is lost by the crash (`tells_before_durable`).
  void LoseUnwritten() { unwritten_.clear(); }
  void FlushUnwritten();

  // The record as reported now.
  v1::Report ReportNow(const base::Uuid& volume) const;
  void SetIdentity(const spu::IdentityRecord& identity) { disk_.identity = identity; }

 private:
  spu::LinkEffects Write(v1::Report record, base::MonotonicTime now);

  std::vector<base::Uuid> volumes_;
  std::mt19937_64 random_;
  Disk disk_;
  Bugs bugs_;
  std::map<base::Uuid, v1::Report> unwritten_;
  std::map<base::Uuid, space::v1::DeviceHold> faults_;
  std::optional<spu::LinkCore> link_;
};

}  // namespace tidemark::sc
