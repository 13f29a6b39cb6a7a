// Names of the files of a partition: the base offset in 20 digits, so that they sort by offset.
//
//   00000000000000004711.log   00000000000000004711.index
//
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace tidemark::storage {

std::string SegmentFileName(base::Offset base_offset);
std::string IndexFileName(base::Offset base_offset);

// Exactly what the functions above make; nullopt for any other name.
std::optional<base::Offset> ParseSegmentFileName(std::string_view name);
std::optional<base::Offset> ParseIndexFileName(std::string_view name);

}  // namespace tidemark::storage
