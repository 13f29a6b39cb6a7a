// What a topic may be called: a name as in daemon/control/names.h, but not "." or "..".
//
// Errors: kInvalidArgument with the name (its length, where it is too long) and the rule it breaks.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace tidemark::sc {

absl::Status CheckTopicName(std::string_view name);

}  // namespace tidemark::sc
