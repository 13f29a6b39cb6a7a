#include "sc/core/lost_data.h"

#include <map>

#include "absl/strings/str_format.h"

namespace tidemark::sc {

LostDataMerge MergeLostData(const v1::Report& held, const v1::Report& incoming) {
  LostDataMerge merge;
  std::map<std::uint64_t, v1::LostData> kept;
  for (const v1::LostData& lost : held.lost_data()) kept[lost.partition_id()] = lost;

  for (const v1::LostData& lost : incoming.lost_data()) {
    const auto [known, added] = kept.try_emplace(lost.partition_id(), lost);
    if (added) {
      merge.changed = true;
      continue;
    }
    const bool lifts = known->second.held() && !lost.held();
    if (lifts && lost.generation() <= known->second.generation()) {
      merge.refused =
          absl::StrFormat("lost data of partition %d lifted under number %d, held under number %d",
                          lost.partition_id(), lost.generation(), known->second.generation());
      continue;
    }
    if (lost.SerializeAsString() == known->second.SerializeAsString()) continue;
    known->second = lost;
    merge.changed = true;
  }
  for (const auto& [id, lost] : kept) *merge.lost_data.Add() = lost;
  return merge;
}

}  // namespace tidemark::sc
