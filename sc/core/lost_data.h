// Lost-data holds of partitions, as they go from one accepted report to the next.
//
// Of partitions the controller knows: what is said of others (deleted, their tombstone
// acknowledged) is not kept. They have a number of their own beside the volume's generation. A hold
// may always be set by a newer report; it is lifted only under a higher number; a report that does
// not name it says nothing of it.
//
// Pure.
#pragma once

#include <functional>
#include <vector>

#include "sc/core/records.h"

namespace tidemark::sc {

// A lift under a number that is not higher.
struct RefusedLift {
  v1::LostData held;
  v1::LostData incoming;
};

struct LostDataMerge {
  // What to keep, in order of partition id.
  google::protobuf::RepeatedPtrField<v1::LostData> lost_data;
  std::vector<RefusedLift> refused;
  // Differs from what was held before.
  bool changed = false;
};

using KnowsPartition = std::function<bool(base::PartitionId)>;

LostDataMerge MergeLostData(const v1::Report& held, const v1::Report& incoming,
                            const KnowsPartition& knows);
// Drops what is said of partitions that are not known (any more). True if that changed anything.
bool DropUnknownLostData(v1::Report& report, const KnowsPartition& knows);

}  // namespace tidemark::sc
