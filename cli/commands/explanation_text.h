// "Why is this volume not Ready, and what exactly must I do", in plain words.
//
// Pure.
#pragma once

#include <string>

#include "cli/commands/volume_table.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::cli {

// What the SPU itself explains.
std::string ExplanationText(const space::v1::Explanation& explanation, const std::string& spu_id);

// What the SC last heard, for when the SPU cannot be reached; `why_not` says why.
std::string LastReportText(const VolumeView& view, const std::string& why_not);

}  // namespace tidemark::cli
