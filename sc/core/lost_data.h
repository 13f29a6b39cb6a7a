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
#include <string>

#include "sc/core/records.h"

namespace tidemark::sc {

struct LostDataMerge {
  // What to keep, in order of partition id.
  google::protobuf::RepeatedPtrField<v1::LostData> lost_data;
  // A lift under a number that is not higher, in words. Empty: none.
  std::string refused;
  // Differs from what was held before.
  bool changed = false;
};

using KnowsPartition = std::function<bool(base::PartitionId)>;

LostDataMerge MergeLostData(const v1::Report& held, const v1::Report& incoming,
                            const KnowsPartition& knows);
// Drops what is said of partitions that are not known (any more). True if that changed anything.
bool DropUnknownLostData(v1::Report& report, const KnowsPartition& knows);

}  // namespace tidemark::sc
