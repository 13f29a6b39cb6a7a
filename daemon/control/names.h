// What names in the cluster are made of, of SPUs and topics alike: one rule for who gives a name
// and for who takes it.
//
// Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "absl/strings/ascii.h"

namespace tidemark::daemon {

inline constexpr std::size_t kNameBytesMax = 249;

// A-Z a-z 0-9 . _ -
inline bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

// 1 to kNameBytesMax of these.
inline bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::ranges::all_of(name, IsNameCharacter);
}

}  // namespace tidemark::daemon
