// VerdictRecord ↔ the bytes in a verdict slot. Layout: monitor/FORMAT.md.
//
// Lifetime:  pure functions.
// Threading: any.
// Errors:    Decode → kDataLoss for bytes no program of this version writes, kUnimplemented for a
//            later version (a program that is too old must not take the volume for wiped).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "monitor/verdict_record.h"

namespace tidemark::monitor {

inline constexpr std::size_t kVerdictPayloadBytes = 2048;

// As it will be read back: texts are cut to the room they have on disk (at a UTF-8 boundary). What
// is told about a generation must be this, else a restart would tell something else.
VerdictRecord DurableForm(VerdictRecord record);

std::vector<std::byte> EncodeVerdict(const VerdictRecord& record);
absl::StatusOr<VerdictRecord> DecodeVerdict(std::span<const std::byte> payload);

}  // namespace tidemark::monitor
