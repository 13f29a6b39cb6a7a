// Watches what the controller shows and holds it against what the SPU's disk ever said.
//
// It shares no rule with the code it checks: P1 to P5 of the protocol, written down a second time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "sc/core/controller_core.h"
#include "tests/sc/core/sim_spu.h"

namespace tidemark::sc {

class TruthChecker {
 public:
  void Sent(std::uint64_t session, const base::Uuid& volume, std::uint64_t generation) {
    sent_.insert({session, volume, generation});
  }
  // After every step, of either side.
  void Look(const ControllerCore& core, const AssignmentSource& assignments,
            const SimSpu::Disk& disk);
  void Fail(const std::string& what);
  v1::PartitionStatus shown(base::PartitionId partition) const {
    return shown_.at(partition).status;
  }

  const std::vector<std::string>& violations() const { return violations_; }

 private:
  struct Shown {
    std::uint64_t generation = 0;
    v1::PartitionStatus status = v1::PARTITION_STATUS_UNSPECIFIED;
  };
  void LookAtVolume(const VolumeState& volume, const SimSpu::Disk& disk);
  void LookAtPartition(const ControllerCore& core, const PartitionRecord& partition);

  std::set<std::tuple<std::uint64_t, base::Uuid, std::uint64_t>> sent_;
  std::map<base::Uuid, v1::Report> published_;
  std::map<base::PartitionId, Shown> shown_;
  std::vector<std::string> violations_;
};

}  // namespace tidemark::sc
