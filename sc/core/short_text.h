// A peer's text, cut to a size between two letters.
//
// Protobuf reads no string that is not UTF-8: one that was cut within a letter would make the event
// it is in, and each answer that holds the event, unreadable.
//
// Pure.
#pragma once

#include <cstddef>
#include <string>

namespace tidemark::sc {

// The longest beginning of `text`, valid UTF-8, that has at most `bytes`.
std::string ShortText(const std::string& text, std::size_t bytes);

}  // namespace tidemark::sc
