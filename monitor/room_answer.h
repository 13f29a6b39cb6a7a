// What SpacePolicy is told about the room it asked for: how the reserve went, and the partitions'
// steps, put into events.
//
// A failed sync or a block that does not read back is a device fault beside the answer, whatever
// the errno; ENOSPC and EDQUOT at an allocation are not.
//
// Lifetime:  pure functions of value types.
// Threading: any.
// Errors:    in the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "absl/status/status.h"
#include "monitor/errno_verdict.h"
#include "monitor/reserve_file.h"
#include "monitor/space_action.h"
#include "monitor/space_event.h"

namespace tidemark::monitor {

// The partitions' next steps: allocated, synced, kept.
struct StepsOutcome {
  std::int64_t steps = 0;
  std::int64_t bytes = 0;
  absl::Status status;  // of the first that failed; those before it are kept
  DiskOperation operation = DiskOperation::kAllocate;
};

struct RoomAnswer {
  std::optional<event::DeviceFailed> fault;  // to be told first
  std::variant<event::RoomTaken, event::RoomRefused> answer;
};

// `steps` are not even tried after a reserve that failed, nor the trial after steps that did.
RoomAnswer AnswerTakeRoom(const action::TakeRoom& room, const ReserveResult& reserve,
                          const StepsOutcome& steps, const ReserveResult& trial = {});

struct RoomCheck {
  std::optional<event::DeviceFailed> fault;  // to be told first
  event::RoomVerified answer;
};

// Of the reserve; what is wrong with the partitions' steps is known to their recovery
// (`steps_defect`, empty if nothing is).
RoomCheck AnswerVerifyRoom(const ReserveResult& reserve, const std::string& steps_defect);

// A look at the reserve beside a reading. `expected_bytes`: what was counted on when the look was
// asked for, and is now, whichever is less: one that grew meanwhile is not lost.
std::optional<event::ReserveLost> FindReserveLost(std::int64_t held_bytes,
                                                  std::int64_t expected_bytes);

}  // namespace tidemark::monitor
