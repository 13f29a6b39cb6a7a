// Does what SpacePolicy wants with TakeRoom and VerifyRoom: the reserve here, the partitions' steps
// by whoever holds the logs.
//
// Lifetime:  the FileSystem outlives it.
// Threading: confined to one thread at a time (the volume's own); every call blocks on the disk.
// Errors:    in the answer. A failed sync or a block that does not read back is a device fault
//            beside the answer, whatever the errno; ENOSPC and EDQUOT at an allocation are not.
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

// The partitions of the volume, which take their next steps: allocated, synced, kept.
class StepSource {
 public:
  struct Taken {
    std::int64_t steps = 0;
    std::int64_t bytes = 0;
    absl::Status status;  // of the first that failed; those before it are kept
    DiskOperation operation = DiskOperation::kAllocate;
  };
  virtual ~StepSource() = default;
  virtual Taken TakeSteps(std::int64_t steps, std::int64_t step_bytes) = 0;
};

struct RoomAnswer {
  std::variant<event::RoomTaken, event::RoomRefused> answer;
  std::optional<event::DeviceFailed> fault;  // to be told first
};

struct RoomCheck {
  event::RoomVerified answer;
  std::optional<event::DeviceFailed> fault;  // to be told first
};

class RoomTaker {
 public:
  RoomTaker(storage::FileSystem& file_system, const VolumeLayout& layout)
      : reserve_(file_system, layout) {}

  // The reserve first: without it no step is worth taking. What succeeded is kept.
  RoomAnswer Take(const action::TakeRoom& room, StepSource& steps);
  // Only the reserve: whether the partitions' steps are there is known to their recovery.
  RoomCheck Verify(const action::VerifyRoom& room);

  ReserveFile& reserve() { return reserve_; }

 private:
  ReserveFile reserve_;
};

}  // namespace tidemark::monitor
