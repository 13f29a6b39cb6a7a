// What placement may know of every volume, out of what the controller knows of it.
//
// Pure.
#pragma once

#include <map>
#include <vector>

#include "base/uuid.h"
#include "sc/core/placement.h"
#include "sc/core/topic_table.h"
#include "sc/core/volume_state.h"

namespace tidemark::sc {

std::vector<PlacementVolume> PlacementInput(const std::map<base::Uuid, VolumeState>& volumes,
                                            const TopicTable& topics);

}  // namespace tidemark::sc
