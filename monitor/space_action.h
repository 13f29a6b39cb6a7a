// What SpacePolicy wants done, in this order, by whoever drives it.
//
// Lifetime:  value types, hold no references.
// Threading: none of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "absl/container/inlined_vector.h"
#include "monitor/hold_set.h"
#include "monitor/verdict_record.h"

namespace tidemark::monitor {
namespace action {

// Admit no append from now on. Before anything else happens.
struct CloseGate {};
// Write the record to the slots and sync. One at a time. Answer: Persisted or PersistFailed.
struct Persist {
  VerdictRecord record;
};
// Admit appends into durable steps.
struct OpenGate {};
// Tell the SC; what was told before is superseded. `record` is durable.
struct Report {
  VerdictRecord record;
  std::optional<DeviceHold> device_fault;  // of this boot, beside the generation
};
// statvfs now. While one is still under way this may be ignored: its answer counts.
// Answer: ReadingArrived.
struct TakeReading {};
// Allocate, write the last block, sync file and directory, read back, keep; the reserve also where
// it is held already: verify it. What fails halfway is unlinked. With all that held, take
// `trial_bytes` more and give them back. Answer: RoomTaken or RoomRefused.
struct TakeRoom {
  std::uint64_t attempt = 0;
  std::int64_t reserve_bytes = 0;  // size the reserve must have in the end
  std::int64_t steps = 0;          // one each for partitions that had one, at most this many
  std::int64_t step_bytes = 0;
  std::int64_t trial_bytes = 0;  // 0: readings show what there is
};
// Check reserve and steps after a start. Answer: RoomVerified.
struct VerifyRoom {
  std::int64_t reserve_bytes = 0;
};
// Free what policy allows, until `wanted_bytes` more are available. Answer: SpaceFreed for each
// step, ReclaimEnded in the end.
struct StartReclaim {
  std::int64_t wanted_bytes = 0;
};

}  // namespace action

using SpaceAction =
    std::variant<action::CloseGate, action::Persist, action::OpenGate, action::Report,
                 action::TakeReading, action::TakeRoom, action::VerifyRoom, action::StartReclaim>;
// Most events ask for none or one.
using SpaceActions = absl::InlinedVector<SpaceAction, 2>;

}  // namespace tidemark::monitor
