// Why a volume or a partition is not Online, and what exactly must be done: asked of its SPU, and
// of the SC where the SPU does not tell.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "cli/invocation.h"
#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::cli {

// `name` as FindVolume() takes it; a partition (orders/3) is explained with its volume.
absl::Status ExplainVolume(Invocation& invocation, const std::string& name);
absl::Status ExplainPartition(Invocation& invocation, const std::string& name);

// "acknowledged", or why not.
std::string AssignmentText(const sc::v1::Partition& partition);

}  // namespace tidemark::cli
