// STATUS of a partition: a pure function of what is known. No setter, and nothing stores it.
//
// | Holds last accepted              | reach         | STATUS        |
// | device, lost-data                | any           | Failed        |
// | space                            | any           | OutOfSpace    |
// | operator, blind, unknown         | any           | Offline       |
// | none yet, or volume not in Hello | any           | Offline       |
// | empty                            | Down, Syncing | LeaderOffline |
// | empty, assignment not acked      | Up            | Offline       |
// | empty, acked in another session  | Up            | LeaderOffline |
// | empty, acked in this session     | Up            | Online        |
// First row that matches. So no connection event can cover a special state.
#pragma once

#include <string>

#include "base/clock.h"
#include "sc/core/records.h"
#include "sc/core/volume_state.h"

namespace tidemark::sc {

struct PartitionVerdict {
  v1::PartitionStatus status = v1::PARTITION_STATUS_UNSPECIFIED;
  // In words, with the numbers. Empty when Online.
  std::string reason;
  base::WallMillis since_unix_ms = 0;
  // FAILED because of records of its own, not of its volume.
  bool lost_data = false;
  bool reachable = false;
  base::WallMillis reachable_since_unix_ms = 0;
};

// `volume` is null when the controller has never heard of it.
PartitionVerdict StatusOf(const PartitionRecord& partition, const VolumeState* volume);

}  // namespace tidemark::sc
