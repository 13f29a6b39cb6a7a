// Verdicts in words, for reasons and history.
#pragma once

#include <functional>
#include <string>

#include "sc/core/records.h"

namespace tidemark::sc {

// "space(episode 3, bytes)", "unknown hold 17".
std::string DescribeHold(const space::v1::Holds& holds, space::v1::HoldKind kind);
// The name of a partition; empty where it is not known.
using PartitionNames = std::function<std::string(base::PartitionId)>;
// "ready", or all holds, device faults and lost data with ", " between.
std::string DescribeVerdict(const v1::Report& report, const PartitionNames& names);
// "generation 7, space(episode 3, bytes)".
std::string DescribeRecord(const v1::Report& report, const PartitionNames& names);
// "412.0 MiB available, full mark 512.0 MiB, resume mark 700.0 MiB, 288.0 MiB short"; in inodes
// where they are the cause.
std::string DescribeShortage(const v1::Report& report);
// "proof of episode 3: 5.0 MiB available before, 20.0 MiB after, resume mark 20.0 MiB; …".
std::string DescribeProof(const space::v1::Proof& proof);
// Episodes whose beginning or end was not reported: "episodes 4 to 6 passed unseen". Empty: none.
std::string DescribePassed(const v1::Report& from, const v1::Report& to);

// Stable lower-case names: "proof missing", "stale session".
std::string RefusalName(v1::ReportRefusal refusal);
std::string RefusalName(v1::AssignmentRefusal refusal);
std::string NackName(v1::NackReason reason);

}  // namespace tidemark::sc
