// Verdicts in words, for reasons and history.
#pragma once

#include <string>

#include "sc/core/records.h"

namespace tidemark::sc {

// "space(episode 3, bytes)", "unknown hold 17".
std::string DescribeHold(const space::v1::Holds& holds, space::v1::HoldKind kind);
// "ready", or all holds and device faults with ", " between.
std::string DescribeVerdict(const v1::Report& report);
// "generation 7, space(episode 3, bytes)".
std::string DescribeRecord(const v1::Report& report);
// "412.0 MiB available, full mark 512.0 MiB, resume mark 700.0 MiB, 288.0 MiB short".
std::string DescribeShortage(const v1::Report& report);

// Stable lower-case names: "proof missing", "stale session".
std::string RefusalName(v1::ReportRefusal refusal);
std::string RefusalName(v1::AssignmentRefusal refusal);
std::string NackName(v1::NackReason reason);

}  // namespace tidemark::sc
