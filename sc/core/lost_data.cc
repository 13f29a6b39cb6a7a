#include "sc/core/lost_data.h"

#include <algorithm>
#include <map>
#include <utility>

namespace tidemark::sc {

LostDataMerge MergeLostData(const v1::Report& held, const v1::Report& incoming,
                            const KnowsPartition& knows) {
  LostDataMerge merge;
  std::map<std::uint64_t, v1::LostData> kept;
  for (const v1::LostData& lost : held.lost_data()) kept[lost.partition_id()] = lost;

  for (const v1::LostData& lost : incoming.lost_data()) {
    if (!knows(base::PartitionId(lost.partition_id()))) continue;
    const auto [known, added] = kept.try_emplace(lost.partition_id(), lost);
    if (added) {
      merge.changed = true;
      continue;
    }
    const bool lifts = known->second.held() && !lost.held();
    if (lifts && lost.generation() <= known->second.generation()) {
      merge.refused.push_back({known->second, lost});
      continue;
    }
    // Held again by an older number: a lift that is older than the newest hold stays refused.
    v1::LostData merged = lost;
    merged.set_generation(std::max(known->second.generation(), lost.generation()));
    if (merged.SerializeAsString() == known->second.SerializeAsString()) continue;
    known->second = std::move(merged);
    merge.changed = true;
  }
  for (const auto& [id, lost] : kept) *merge.lost_data.Add() = lost;
  return merge;
}

bool DropUnknownLostData(v1::Report& report, const KnowsPartition& knows) {
  auto& all = *report.mutable_lost_data();
  const auto unknown = std::remove_if(all.begin(), all.end(), [&](const v1::LostData& lost) {
    return !knows(base::PartitionId(lost.partition_id()));
  });
  const bool any = unknown != all.end();
  all.erase(unknown, all.end());
  return any;
}

}  // namespace tidemark::sc
