// What a topic may be called: [A-Za-z0-9._-], 1 to 249 characters, not "." or "..".
//
// Errors: kInvalidArgument with the name (its length, where it is too long) and the rule it breaks.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"

namespace tidemark::sc {

inline constexpr std::size_t kTopicNameLimit = 249;

absl::Status CheckTopicName(std::string_view name);

}  // namespace tidemark::sc
