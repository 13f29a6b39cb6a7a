// The verdict on one volume: the set of reasons why it may not be written. Ready means: none.
//
// Each hold has its own field and its own evidence that lifts it, so that none can cover or erase
// another. Values of the enums are on disk and on the wire: never renumber.
//
// Lifetime:  value types, hold no references.
// Threading: none of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"

namespace tidemark::monitor {

enum class SpaceCause : std::uint8_t { kBytes = 1, kInodes = 2, kQuota = 3 };

// The volume ran out of space. Lifted by a proof of reclaim and by nothing else.
struct SpaceHold {
  base::Episode episode;
  SpaceCause cause = SpaceCause::kBytes;
  // The state was unreadable or wiped: full until proven otherwise.
  bool unproven = false;
  base::WallMillis since_wall = 0;

  bool operator==(const SpaceHold&) const = default;
};

// Nobody knows how much space there is. Lifted by 3 fresh readings of the same filesystem.
struct BlindHold {
  std::string reason;
  base::WallMillis since_wall = 0;

  bool operator==(const BlindHold&) const = default;
};

// Somebody said so. Lifted by somebody.
struct OperatorHold {
  std::string who;
  std::string why;
  base::WallMillis since_wall = 0;

  bool operator==(const OperatorHold&) const = default;
};

enum class DeviceCause : std::uint8_t {
  kIoError = 1,
  kReadOnly = 2,
  kStale = 3,
  kSyncFailed = 4,     // any sync, any write to a journal or a slot, with whatever errno
  kWrongVolume = 5,    // another marker, or another filesystem under the same path
  kMissingVolume = 6,  // no marker: unmounted, fell through to the filesystem below
};

// What is on the disk is not known. Lifted by a later boot whose recovery verified it.
struct DeviceHold {
  DeviceCause cause = DeviceCause::kIoError;
  std::string detail;
  base::WallMillis since_wall = 0;

  bool operator==(const DeviceHold&) const = default;
};

struct HoldSet {
  std::optional<SpaceHold> space;
  std::optional<BlindHold> blind;
  std::optional<OperatorHold> operator_hold;
  // In a durable record only if the disk still took it. A device fault of this boot is volatile:
  // SpacePolicy keeps it beside the record and it is reported beside the generation.
  std::optional<DeviceHold> device;

  bool empty() const { return !space && !blind && !operator_hold && !device; }
  bool operator==(const HoldSet&) const = default;
};

std::string_view SpaceCauseName(SpaceCause cause);    // "bytes"
std::string_view DeviceCauseName(DeviceCause cause);  // "sync failed"
// "ready", or "space(episode 3, bytes, unproven), operator(anna: new disk)".
std::string DescribeHolds(const HoldSet& holds);

}  // namespace tidemark::monitor
