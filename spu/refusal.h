// Why something was not done, as the typed detail a client gets: one way to build it, so that text
// and numbers cannot disagree.
//
// Pure. A Refusal is in band on streams and a detail of the status on calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/ids.h"
#include "tidemark/log/v1/log.pb.h"

namespace tidemark::spu {

using Refusal = tidemark::log::v1::Refusal;
using RefusalReason = tidemark::log::v1::RefusalReason;

// Sets reason, message and the status code that belongs to the reason.
Refusal MakeRefusal(RefusalReason reason, std::string_view message);

// A code per reason; kResourceExhausted means space and nothing else.
absl::StatusCode CodeOf(RefusalReason reason);

// A status with the refusal's code and message, and the refusal as its detail.
absl::Status StatusOf(const Refusal& refusal);

// The refusal a failed status of the log engine stands for.
Refusal RefusalOfStatus(const absl::Status& status);

// Stable lower-case name for metrics and logs: "out_of_space".
std::string_view NameOf(RefusalReason reason);

Refusal UnknownPartition(base::PartitionId partition);

}  // namespace tidemark::spu
