#include "monitor/room_taker.h"

#include <string>

namespace tidemark::monitor {
namespace {

struct Judged {
  bool out_of_space = false;
  std::optional<event::DeviceFailed> fault;
};

Judged Judge(DiskOperation operation, const absl::Status& status) {
  const ErrnoVerdict verdict = JudgeStatus(operation, status);
  Judged judged;
  judged.out_of_space = verdict.meaning == ErrnoMeaning::kSpace;
  if (verdict.meaning == ErrnoMeaning::kDevice) {
    judged.fault = event::DeviceFailed{verdict.device_cause, std::string(status.message())};
  }
  return judged;
}

}  // namespace

RoomAnswer RoomTaker::Take(const action::TakeRoom& room, StepSource& steps) {
  const ReserveResult reserve = reserve_.Take(room.reserve_bytes);
  const StepSource::Taken taken = reserve.ok() && room.steps > 0
                                      ? steps.TakeSteps(room.steps, room.step_bytes)
                                      : StepSource::Taken{};
  if (reserve.ok() && taken.status.ok()) {
    return {event::RoomTaken{.attempt = room.attempt,
                             .reserve_bytes = reserve.held_bytes,
                             .steps = taken.steps,
                             .steps_bytes = taken.bytes},
            std::nullopt};
  }
  const absl::Status& status = reserve.ok() ? taken.status : reserve.status;
  Judged judged = Judge(reserve.ok() ? taken.operation : reserve.operation, status);
  return {event::RoomRefused{.attempt = room.attempt,
                             .detail = std::string(status.message()),
                             .reserve_bytes = reserve.held_bytes,
                             .steps = taken.steps,
                             .steps_bytes = taken.bytes,
                             .out_of_space = judged.out_of_space},
          std::move(judged.fault)};
}

RoomCheck RoomTaker::Verify(const action::VerifyRoom& room) {
  const ReserveResult reserve = reserve_.Verify(room.reserve_bytes);
  RoomCheck check;
  check.answer.intact = reserve.ok();
  check.answer.reserve_bytes = reserve.held_bytes;
  if (reserve.ok()) return check;
  check.answer.detail = std::string(reserve.status.message());
  check.fault = Judge(reserve.operation, reserve.status).fault;
  return check;
}

}  // namespace tidemark::monitor
