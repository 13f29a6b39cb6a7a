#include "spu/core/space_messages.h"

#include <chrono>

namespace tidemark::spu {
namespace {

std::int64_t Milliseconds(base::Duration duration) {
  return duration / std::chrono::milliseconds(1);
}

// Numbers of the enums are the same on disk and on the wire; monitor/hold_set.h keeps them.
static_assert(static_cast<int>(monitor::SpaceCause::kBytes) == space::v1::SPACE_CAUSE_BYTES);
static_assert(static_cast<int>(monitor::SpaceCause::kInodes) == space::v1::SPACE_CAUSE_INODES);
static_assert(static_cast<int>(monitor::SpaceCause::kQuota) == space::v1::SPACE_CAUSE_QUOTA);
static_assert(static_cast<int>(monitor::DeviceCause::kIoError) == space::v1::DEVICE_CAUSE_IO_ERROR);
static_assert(static_cast<int>(monitor::DeviceCause::kReadOnly) ==
              space::v1::DEVICE_CAUSE_READ_ONLY);
static_assert(static_cast<int>(monitor::DeviceCause::kStale) == space::v1::DEVICE_CAUSE_STALE);
static_assert(static_cast<int>(monitor::DeviceCause::kSyncFailed) ==
              space::v1::DEVICE_CAUSE_SYNC_FAILED);
static_assert(static_cast<int>(monitor::DeviceCause::kWrongVolume) ==
              space::v1::DEVICE_CAUSE_WRONG_VOLUME);
static_assert(static_cast<int>(monitor::DeviceCause::kMissingVolume) ==
              space::v1::DEVICE_CAUSE_MISSING_VOLUME);

}  // namespace

space::v1::Holds HoldsMessage(const monitor::HoldSet& holds) {
  space::v1::Holds message;
  if (holds.space) {
    message.add_held(space::v1::HOLD_KIND_SPACE);
    space::v1::SpaceHold* space = message.mutable_space();
    space->set_episode(holds.space->episode.value());
    space->set_cause(static_cast<space::v1::SpaceCause>(holds.space->cause));
    space->set_unproven(holds.space->unproven);
    space->set_since_unix_ms(holds.space->since_wall);
  }
  if (holds.blind) {
    message.add_held(space::v1::HOLD_KIND_BLIND);
    message.mutable_blind()->set_reason(holds.blind->reason);
    message.mutable_blind()->set_since_unix_ms(holds.blind->since_wall);
  }
  if (holds.operator_hold) {
    message.add_held(space::v1::HOLD_KIND_OPERATOR);
    message.mutable_operator_()->set_who(holds.operator_hold->who);
    message.mutable_operator_()->set_why(holds.operator_hold->why);
    message.mutable_operator_()->set_since_unix_ms(holds.operator_hold->since_wall);
  }
  if (holds.device) {
    message.add_held(space::v1::HOLD_KIND_DEVICE);
    *message.mutable_device() = DeviceHoldMessage(*holds.device);
  }
  return message;
}

space::v1::DeviceHold DeviceHoldMessage(const monitor::DeviceHold& hold) {
  space::v1::DeviceHold message;
  message.set_cause(static_cast<space::v1::DeviceCause>(hold.cause));
  message.set_detail(hold.detail);
  message.set_since_unix_ms(hold.since_wall);
  return message;
}

space::v1::Marks MarksMessage(const monitor::Marks& marks) {
  space::v1::Marks message;
  message.set_full_bytes(marks.full_bytes);
  message.set_resume_bytes(marks.resume_bytes);
  message.set_low_bytes(marks.low_bytes);
  message.set_full_inodes(marks.full_inodes);
  message.set_resume_inodes(marks.resume_inodes);
  message.set_low_inodes(marks.low_inodes);
  message.set_reserve_bytes(marks.reserve_bytes);
  message.set_step_bytes(marks.step_bytes);
  message.set_segment_bytes(marks.segment_bytes);
  message.set_capacity_bytes(marks.capacity_bytes);
  return message;
}

space::v1::Reading ReadingMessage(const monitor::SpaceReading& reading, base::MonotonicTime now) {
  space::v1::Reading message;
  message.set_available_bytes(reading.available_bytes);
  message.set_total_bytes(reading.total_bytes);
  message.set_available_inodes(reading.inodes_available);
  message.set_total_inodes(reading.inodes_total);
  message.set_counts_inodes(reading.counts_inodes);
  message.set_age_ms(Milliseconds(now - reading.started));
  message.set_file_system(monitor::FileSystemTypeName(reading.type_magic));
  return message;
}

space::v1::Proof ProofMessage(const monitor::Proof& proof) {
  space::v1::Proof message;
  message.set_episode(proof.episode.value());
  message.set_cause(static_cast<space::v1::SpaceCause>(proof.cause));
  *message.mutable_marks() = MarksMessage(proof.marks);
  message.set_bytes_before(proof.bytes_before);
  message.set_bytes_after(proof.bytes_after);
  message.set_inodes_before(proof.inodes_before);
  message.set_inodes_after(proof.inodes_after);
  message.set_freed_by_us_bytes(proof.freed_by_us_bytes);
  message.set_observed_gain_bytes(proof.observed_gain_bytes);
  message.set_steps_taken(proof.steps_taken);
  message.set_steps_bytes(proof.steps_bytes);
  message.set_reserve_bytes(proof.reserve_bytes);
  message.set_file_system(proof.file_system);
  message.set_settle_ms(Milliseconds(proof.settle));
  message.set_readings(proof.readings);
  message.set_reading_age_max_ms(Milliseconds(proof.reading_age_max));
  message.set_taking_ms(Milliseconds(proof.taking));
  message.set_at_unix_ms(proof.at_wall);
  message.set_counts_inodes(proof.counts_inodes);
  return message;
}

}  // namespace tidemark::spu
