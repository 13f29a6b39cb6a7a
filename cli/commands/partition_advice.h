// What to type about a partition that is not Online.
//
// Pure.
#pragma once

#include <string>

#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::cli {

// The command that goes on from here; empty if the partition is Online. `volume` names its volume
// as commands take it. A volume's own verdict explains a partition only where it is the reason: one
// whose assignment was refused, or whose data is lost, may lie on a volume that is Ready.
std::string AdviceFor(const sc::v1::Partition& partition, const std::string& volume);

}  // namespace tidemark::cli
