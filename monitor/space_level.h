// Where a reading lies between the marks. Worse is greater.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "monitor/marks.h"
#include "monitor/space_reading.h"

namespace tidemark::monitor {

// Values are on the wire: never renumber.
enum class SpaceLevel : std::uint8_t { kOk = 1, kLow = 2, kFull = 3 };

constexpr SpaceLevel LevelOf(std::int64_t available, std::int64_t full, std::int64_t low) {
  if (available < full) return SpaceLevel::kFull;
  return available < low ? SpaceLevel::kLow : SpaceLevel::kOk;
}

// Full is also what leaves less than one step above the mark: nothing can be taken there.
constexpr SpaceLevel LevelByBytes(const SpaceReading& reading, const Marks& marks) {
  return LevelOf(reading.available_bytes, marks.full_bytes + marks.step_bytes, marks.low_bytes);
}

constexpr SpaceLevel LevelByInodes(const SpaceReading& reading, const Marks& marks) {
  if (!reading.counts_inodes) return SpaceLevel::kOk;
  return LevelOf(reading.inodes_available, marks.full_inodes, marks.low_inodes);
}

constexpr SpaceLevel LevelOf(const SpaceReading& reading, const Marks& marks) {
  return std::max(LevelByBytes(reading, marks), LevelByInodes(reading, marks));
}

constexpr std::string_view SpaceLevelName(SpaceLevel level) {
  switch (level) {
    case SpaceLevel::kOk:
      return "ok";
    case SpaceLevel::kLow:
      return "low";
    case SpaceLevel::kFull:
      return "full";
  }
  return "unknown";
}

}  // namespace tidemark::monitor
