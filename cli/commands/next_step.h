// The one thing to do next, for the last line of `status`.
//
// Pure. Only what a person can do something about: an SPU that registered once, has no partitions
// and never came back is no task, or it would hide every other for ever.
#pragma once

#include <string>

#include "cli/commands/hello_refusals.h"
#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::cli {

// In this order: the SC's own disk, open episodes, volumes that answer and do not accept, SPUs away
// and volumes absent with partitions on them, partitions that are not Online, Hellos refused.
std::string NextStep(const sc::v1::ListSpusResponse& spus,
                     const sc::v1::ListPartitionsResponse& partitions,
                     const HelloRefusals& refused);

}  // namespace tidemark::cli
