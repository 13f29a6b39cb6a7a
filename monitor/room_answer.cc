#include "monitor/room_answer.h"

#include <string>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark::monitor {
namespace {

std::optional<event::DeviceFailed> DeviceFaultOf(const ErrnoVerdict& verdict,
                                                 const absl::Status& status) {
  if (verdict.meaning != ErrnoMeaning::kDevice) return std::nullopt;
  return event::DeviceFailed{verdict.device_cause, std::string(status.message())};
}

}  // namespace

RoomAnswer AnswerTakeRoom(const action::TakeRoom& room, const ReserveResult& reserve,
                          const StepsOutcome& steps, const ReserveResult& trial) {
  if (reserve.ok() && steps.status.ok() && trial.ok()) {
    return {std::nullopt,
            event::RoomTaken{room.attempt, reserve.held_bytes, steps.steps, steps.bytes}};
  }
  const absl::Status& status = !reserve.ok()        ? reserve.status
                               : !steps.status.ok() ? steps.status
                                                    : trial.status;
  const DiskOperation operation = !reserve.ok()        ? reserve.operation
                                  : !steps.status.ok() ? steps.operation
                                                       : trial.operation;
  const ErrnoVerdict verdict = JudgeStatus(operation, status);
  return {DeviceFaultOf(verdict, status),
          event::RoomRefused{.attempt = room.attempt,
                             .detail = std::string(status.message()),
                             .reserve_bytes = reserve.held_bytes,
                             .steps = steps.steps,
                             .steps_bytes = steps.bytes,
                             .out_of_space = verdict.meaning == ErrnoMeaning::kSpace}};
}

RoomCheck AnswerVerifyRoom(const ReserveResult& reserve, const std::string& steps_defect) {
  RoomCheck check;
  check.answer.reserve_bytes = reserve.held_bytes;
  check.answer.intact = reserve.ok() && steps_defect.empty();
  check.answer.detail = reserve.ok() ? steps_defect : std::string(reserve.status.message());
  if (!reserve.ok()) {
    check.fault = DeviceFaultOf(JudgeStatus(reserve.operation, reserve.status), reserve.status);
  }
  return check;
}

std::optional<event::ReserveLost> FindReserveLost(std::int64_t held_bytes,
                                                  std::int64_t expected_bytes) {
  if (held_bytes >= expected_bytes) return std::nullopt;
  return event::ReserveLost{
      absl::StrFormat("reserve: %d of %d bytes are there", held_bytes, expected_bytes)};
}

}  // namespace tidemark::monitor
