// Which event may set and which may lift which hold: the promise, as data.
//
// SpacePolicy checks every event it has handled against its row (a violation is our own broken
// invariant and ends the process: the next boot starts from the durable record). The test walks it
// over every set of holds.
//
// Lifetime:  none.
// Threading: pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

#include "monitor/space_event.h"

namespace tidemark::monitor {

using HoldMask = std::uint8_t;
inline constexpr HoldMask kNoHold = 0;
inline constexpr HoldMask kSpaceMask = 1;
inline constexpr HoldMask kBlindMask = 2;
inline constexpr HoldMask kOperatorMask = 4;
inline constexpr HoldMask kDeviceMask = 8;

constexpr HoldMask MaskOf(const HoldSet& holds) {
  return static_cast<HoldMask>((holds.space ? kSpaceMask : 0) | (holds.blind ? kBlindMask : 0) |
                               (holds.operator_hold ? kOperatorMask : 0) |
                               (holds.device ? kDeviceMask : 0));
}

struct HoldEffect {
  std::string_view event;
  HoldMask may_set = kNoHold;
  HoldMask may_lift = kNoHold;
};

// In the order of SpaceEvent. Time passes in every event, so that each may find the lease out.
// A reading lifts space only as the last step of a proof that has taken its room: it is in no other
// row. "Marks changed" sets it where a proof by the old marks was just being written, "persist
// failed" where that write failed. A device fault is lifted by no event at all, only by a boot.
inline constexpr std::array<HoldEffect, std::variant_size_v<SpaceEvent>> kHoldEffects = {{
    {"reading arrived", kSpaceMask | kBlindMask | kDeviceMask, kSpaceMask | kBlindMask},
    {"tick", kBlindMask, kNoHold},
    {"allocation failed", kSpaceMask | kBlindMask, kNoHold},
    {"no step fits", kSpaceMask | kBlindMask, kNoHold},
    {"device failed", kDeviceMask | kBlindMask, kNoHold},
    {"reserve lost", kSpaceMask | kBlindMask, kNoHold},
    {"marks changed", kSpaceMask | kBlindMask, kNoHold},
    {"operator holds", kOperatorMask | kBlindMask, kNoHold},
    {"operator releases", kBlindMask, kOperatorMask},
    {"persisted", kBlindMask, kNoHold},
    {"persist failed", kSpaceMask | kDeviceMask | kBlindMask, kNoHold},
    {"room verified", kSpaceMask | kBlindMask, kNoHold},
    {"room taken", kBlindMask, kNoHold},
    {"room refused", kBlindMask, kNoHold},
    {"steps missing", kBlindMask, kNoHold},
    {"space freed", kBlindMask, kNoHold},
    {"reclaim ended", kBlindMask, kNoHold},
    {"poll now", kBlindMask, kNoHold},
    {"known elsewhere", kSpaceMask | kBlindMask, kNoHold},
    {"proof refused", kSpaceMask | kBlindMask, kNoHold},
}};

}  // namespace tidemark::monitor
