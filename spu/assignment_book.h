// What the SC wants this SPU to keep, carried out: partitions made, taken on, deleted.
//
// Absence never deletes: a partition that a full list does not name is kept, shown as unclaimed,
// and not written. What had to be refused (a volume with a hold, no room) is tried again when its
// volume opens, and told again. A tombstone is acknowledged only when no volume keeps the partition
// or may keep it. While volumes are still starting, only partitions are taken on that are there
// already: whatever is to be made, is missed or is deleted waits until every volume has started or
// cannot, since one that has not may keep it.
//
// Lifetime:  owned by the Agent.
// Threading: confined to the loop.
// Errors:    each partition gets a result of its own; a bad one never drops the rest.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "spu/volume/volume_set.h"
#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::spu {

class AssignmentBook {
 public:
  using Tell = std::function<void(tidemark::sc::v1::AssignmentsAck)>;

  AssignmentBook(const VolumeSet& volumes, bool volumes_complete, Tell tell)
      : volumes_(volumes), volumes_complete_(volumes_complete), tell_(std::move(tell)) {}

  void Apply(const tidemark::sc::v1::Assignments& assignments);
  // A volume has started or changed: what waited for it is tried again.
  void OnVolumeChanged();

 private:
  struct Round {
    tidemark::sc::v1::AssignmentsAck ack;
    std::size_t open = 1;  // 1: being handed out
  };

  void Begin(const tidemark::sc::v1::Assignments& assignments);
  void TakeOnEarly();
  void Assign(const tidemark::sc::v1::Assignment& assignment, const std::shared_ptr<Round>& round);
  void Delete(base::PartitionId id, const std::shared_ptr<Round>& round);
  // What each volume keeps is known, so that what none keeps is gone.
  bool all_known() const { return volumes_complete_ && volumes_.all_started(); }
  void Record(const std::shared_ptr<Round>& round, tidemark::sc::v1::AssignmentResult result);
  void Finish(const std::shared_ptr<Round>& round);
  void MarkUnclaimed(const tidemark::sc::v1::Assignments& assignments);

  const VolumeSet& volumes_;
  // False when a configured volume could not be opened: a tombstone's partition may be on it.
  const bool volumes_complete_;
  Tell tell_;
  std::vector<tidemark::sc::v1::Assignments> early_;
  std::set<base::PartitionId> taken_early_;
  std::map<base::PartitionId, tidemark::sc::v1::Assignment> refused_;
  std::set<base::PartitionId> undeleted_;  // tombstones not carried out yet
  std::uint64_t version_ = 0;
  bool retrying_ = false;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tidemark::spu
