// "did you mean …": the known name that a mistyped one was probably meant to be.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tidemark::daemon {

// The nearest by edit distance, if it is near enough to be a slip of the finger.
std::optional<std::string> NearestName(std::string_view text, std::span<const std::string> known);

}  // namespace tidemark::daemon
