// Bytes on disk, pinned: what a released version wrote must be written and read for ever.
//
// Golden files are hex dumps in tests/golden/, to be read in a review and pasted into a FORMAT.md.
// TIDEMARK_UPDATE_GOLDEN=1 rewrites them: a decision, never a reflex.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace tidemark::support {

// "00000010  54 4d 53 …  |TMS…|" per 16 bytes; runs of zero lines are left out.
std::string HexDump(std::span<const std::byte> bytes);

// The bytes of tests/golden/<name>; empty with a failure if there is none.
std::vector<std::byte> ReadGolden(std::string_view name);
testing::AssertionResult MatchesGolden(std::string_view name, std::span<const std::byte> bytes);
// The document (a path in the repository) shows that golden file, byte for byte.
testing::AssertionResult DocumentShows(std::string_view document, std::string_view name);

}  // namespace tidemark::support
