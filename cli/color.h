// Colour for terminals, and only for terminals.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::cli {

enum class Color : std::uint8_t { kNone, kGood, kWarning, kBad, kDim, kBold };

std::string Painted(std::string_view text, Color color, bool colors);

// True where `descriptor` is a terminal that shows colour and nobody said NO_COLOR.
bool WantsColor(int descriptor);

}  // namespace tidemark::cli
