#include "spu/volume/volume_refusal.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;
using base::FormatByteSize;

std::string SpaceMessage(const VolumeState& volume, const monitor::SpaceHold& hold) {
  std::string message = absl::StrFormat("append refused: volume '%s' is out of space", volume.path);
  if (volume.reading.has_value()) {
    const monitor::SpaceReading& reading = *volume.reading;
    if (hold.cause == monitor::SpaceCause::kInodes) {
      absl::StrAppendFormat(&message, ": %d inodes available, full mark %d, resume mark %d",
                            reading.inodes_available, volume.marks.full_inodes,
                            volume.marks.resume_inodes);
    } else {
      absl::StrAppendFormat(&message, ": %s available, full mark %s, resume mark %s",
                            FormatByteSize(reading.available_bytes),
                            FormatByteSize(volume.marks.full_bytes),
                            FormatByteSize(volume.marks.resume_bytes));
    }
  }
  absl::StrAppendFormat(&message, " (episode %d%s)", hold.episode.value(),
                        hold.unproven ? ", unproven" : "");
  return message;
}

void FillNumbers(const VolumeState& volume, Refusal& refusal) {
  refusal.set_volume(volume.uuid);
  refusal.set_volume_path(volume.path);
  refusal.set_full_bytes(volume.marks.full_bytes);
  refusal.set_resume_bytes(volume.marks.resume_bytes);
  if (volume.reading.has_value()) {
    refusal.set_available_bytes(volume.reading->available_bytes);
    refusal.set_available_inodes(volume.reading->inodes_available);
  }
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(volume.retry_after).count();
  refusal.set_retry_delay_ms(std::clamp<std::int64_t>(millis, 50, 60'000));
}

// Same order as the status table: what needs a person most comes first.
Refusal Explain(const VolumeState& volume) {
  if (!volume.fence.empty()) {
    return MakeRefusal(
        log_pb::REFUSAL_REASON_FENCED,
        absl::StrFormat("append refused: the controller refuses this SPU: %s", volume.fence));
  }
  const monitor::DeviceHold* device = nullptr;
  if (volume.device_fault.has_value()) device = &*volume.device_fault;
  if (device == nullptr && volume.holds.device.has_value()) device = &*volume.holds.device;
  if (device != nullptr) {
    return MakeRefusal(log_pb::REFUSAL_REASON_VOLUME_FAILED,
                       absl::StrFormat("append refused: volume '%s' failed (%s): %s", volume.path,
                                       monitor::DeviceCauseName(device->cause), device->detail));
  }
  if (volume.holds.space.has_value()) {
    Refusal refusal =
        MakeRefusal(log_pb::REFUSAL_REASON_OUT_OF_SPACE, SpaceMessage(volume, *volume.holds.space));
    refusal.set_episode(volume.holds.space->episode.value());
    return refusal;
  }
  if (volume.holds.operator_hold.has_value()) {
    const monitor::OperatorHold& hold = *volume.holds.operator_hold;
    return MakeRefusal(log_pb::REFUSAL_REASON_VOLUME_HELD_BY_OPERATOR,
                       absl::StrFormat("append refused: volume '%s' is held by %s: %s", volume.path,
                                       hold.who, hold.why));
  }
  if (volume.holds.blind.has_value()) {
    return MakeRefusal(log_pb::REFUSAL_REASON_VOLUME_BLIND,
                       absl::StrFormat("append refused: the space of volume '%s' is unknown: %s",
                                       volume.path, volume.holds.blind->reason));
  }
  return MakeRefusal(log_pb::REFUSAL_REASON_PROVISIONING,
                     absl::StrFormat("append refused: volume '%s' is not open yet", volume.path));
}

}  // namespace

std::optional<Refusal> RefusalOf(const VolumeState& volume) {
  if (volume.accepting && volume.fence.empty()) return std::nullopt;
  Refusal refusal = Explain(volume);
  FillNumbers(volume, refusal);
  return refusal;
}

Refusal NoStepRefusal(const VolumeState& volume, const std::string& why, bool out_of_space) {
  Refusal refusal = MakeRefusal(
      out_of_space ? log_pb::REFUSAL_REASON_OUT_OF_SPACE : log_pb::REFUSAL_REASON_NO_STEP,
      absl::StrFormat("append refused: no room for the next step on volume '%s': %s", volume.path,
                      why));
  FillNumbers(volume, refusal);
  return refusal;
}

}  // namespace tidemark::spu
