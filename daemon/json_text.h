// Writing JSON by hand, where pulling in a library for one line would be too much.
#pragma once

#include <string>
#include <string_view>

namespace tidemark::daemon {

// `text` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
std::string JsonString(std::string_view text);

}  // namespace tidemark::daemon
