// What services show, computed from the core whenever it is asked.
//
// Pure: `moment` gives ages their now.
#pragma once

#include <string>
#include <vector>

#include "sc/core/controller_core.h"
#include "sc/core/status_of.h"

namespace tidemark::sc {

// STATUS and REACHABLE of one partition.
PartitionVerdict VerdictOf(const ControllerCore& core, const PartitionRecord& partition);

v1::Partition ViewPartition(const ControllerCore& core, const PartitionRecord& partition);
// In order of topic and index. Empty topic: all.
std::vector<v1::Partition> ViewPartitions(const ControllerCore& core,
                                          const AssignmentSource& assignments,
                                          const std::string& topic);
// `partitions` is left 0: counting them is the caller's.
v1::ScVolume ViewVolume(const VolumeState& volume, Moment moment);
std::vector<v1::Spu> ViewSpus(const ControllerCore& core, const AssignmentSource& assignments,
                              Moment moment);

}  // namespace tidemark::sc
