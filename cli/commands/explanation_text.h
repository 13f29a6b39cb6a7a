// "Why is this volume not Ready, and what exactly must I do", in plain words.
//
// Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/commands/volume_table.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::cli {

// What the SPU itself explains, but what to do.
std::string ExplanationText(const space::v1::Explanation& explanation, const std::string& spu_id);

// What the SC last heard, for when the SPU does not tell it; `why_not` says why.
std::string LastReportText(const VolumeView& view, const std::string& why_not);

// Partitions of the volume whose trouble is their own, and what to type about each: `known` are
// those the SC knows, `faults` what the SPU itself found. "" if there is none.
std::string PartitionsText(const std::vector<sc::v1::Partition>& known,
                           const space::v1::Explanation& explanation, const VolumeView& view);

// "" if there is nothing to do.
std::string StepsText(const std::vector<std::string>& steps);

}  // namespace tidemark::cli
