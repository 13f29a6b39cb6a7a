#include "spu/volume/volume_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "monitor/errno_verdict.h"
#include "spu/core/space_messages.h"
#include "spu/volume/next_steps.h"

namespace tidemark::spu {
namespace {

namespace space_pb = tidemark::space::v1;

std::int64_t Millis(base::Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

space_pb::SpaceLevel LevelMessage(monitor::SpaceLevel level) {
  switch (level) {
    case monitor::SpaceLevel::kOk:
      return space_pb::SPACE_LEVEL_OK;
    case monitor::SpaceLevel::kLow:
      return space_pb::SPACE_LEVEL_LOW;
    case monitor::SpaceLevel::kFull:
      return space_pb::SPACE_LEVEL_FULL;
  }
  return space_pb::SPACE_LEVEL_UNSPECIFIED;
}

space_pb::Room RoomMessage(const Volume& volume, const monitor::Explanation& explanation,
                           base::MonotonicTime now) {
  space_pb::Room room;
  room.set_budget_valid(explanation.budget.valid);
  room.set_budget_bytes(explanation.budget.bytes);
  room.set_budget_inodes(explanation.budget.inodes);
  if (explanation.budget.valid) {
    room.set_budget_age_ms(Millis(now - explanation.budget.reading_started));
  }
  room.set_reserve_bytes(explanation.reserve_held_bytes);
  room.set_steps(volume.steps_held());
  room.set_steps_bytes(volume.steps_bytes());
  room.set_fill_bytes_per_second(explanation.fill_bytes_per_second);
  room.set_time_to_full_ms(explanation.time_to_full.has_value() ? Millis(*explanation.time_to_full)
                                                                : -1);
  return room;
}

void FillProof(const monitor::Explanation& explanation, base::MonotonicTime now,
               space_pb::ProofProgress& proof) {
  proof.set_step(static_cast<space_pb::ProofStep>(explanation.proof_step));
  proof.set_running(explanation.proof_running);
  proof.set_tries(static_cast<std::int32_t>(explanation.proof_attempts));
  proof.set_readings_seen(explanation.proof_readings_seen);
  proof.set_readings_wanted(explanation.proof_readings_wanted);
  proof.set_settle_ms(Millis(explanation.settle));
  proof.set_settled_ms(Millis(explanation.settled));
  if (!explanation.proof_failure.has_value()) return;
  const monitor::ProofFailure& failure = *explanation.proof_failure;
  if (!explanation.proof_running) {
    proof.set_step(static_cast<space_pb::ProofStep>(failure.step));
  }
  proof.set_message(failure.reason);
  proof.set_bytes_short(failure.bytes_short);
  proof.set_inodes_short(failure.inodes_short);
  proof.set_next_try_ms(std::max<std::int64_t>(0, Millis(failure.next_try - now)));
}

// Before its verdict has begun, and where it never will: what the record on the disk says.
void FillNotStarted(const Volume& volume, space_pb::Volume& message) {
  if (const auto& record = volume.disk().slots().loaded().record; record.has_value()) {
    message.set_generation(record->generation.value());
    *message.mutable_holds() = HoldsMessage(record->holds);
    *message.mutable_marks() = MarksMessage(record->marks);
    if (record->last_proof.has_value()) {
      *message.mutable_last_proof() = ProofMessage(*record->last_proof);
    }
    message.set_episodes(record->episode.value());
  }
  if (volume.device_fault().has_value()) {
    *message.add_device_faults() = DeviceHoldMessage(*volume.device_fault());
  } else if (message.holds().held().empty()) {
    message.set_not_ready(absl::StrFormat("opening: %d partitions to go", volume.opening()));
  }
}

void FillReclaim(const monitor::Explanation& explanation, space_pb::Explanation& message) {
  message.set_reclaim_running(explanation.reclaim_running);
  message.set_reclaim_needs_operator(explanation.reclaim_needs_operator);
  message.set_reclaim_bytes_short(explanation.reclaim_bytes_short);
}

void FillPartitionFaults(const Volume& volume, space_pb::Explanation& message) {
  for (const auto& [id, why] : volume.unopened()) {
    space_pb::PartitionFault& fault = *message.add_partition_faults();
    fault.set_partition_id(id.value());
    fault.set_why("could not be opened: " + std::string(why.message()));
    fault.set_lost_data(absl::IsDataLoss(why));
  }
  for (const auto& [id, partition] : volume.partitions()) {
    const storage::PartitionState& state = partition->log().state();
    if (!state.lost_data.has_value()) continue;
    space_pb::PartitionFault& fault = *message.add_partition_faults();
    fault.set_partition_id(id.value());
    fault.set_topic(state.topic);
    fault.set_partition(static_cast<std::int32_t>(state.index));
    fault.set_why("lost data: " + state.lost_data->reason);
    fault.set_lost_data(true);
  }
  if (message.partition_faults().empty()) return;
  message.set_summary(absl::StrFormat("%s; of its partitions %d cannot serve all they were given",
                                      message.summary(), message.partition_faults_size()));
}

monitor::DeviceCause CauseOf(const absl::Status& status) {
  const monitor::ErrnoVerdict verdict = monitor::JudgeStatus(monitor::DiskOperation::kRead, status);
  return verdict.meaning == monitor::ErrnoMeaning::kDevice && !absl::IsNotFound(status)
             ? verdict.device_cause
             : monitor::DeviceCause::kMissingVolume;
}

}  // namespace

space_pb::Volume VolumeMessage(const Volume& volume) {
  space_pb::Volume message;
  message.set_uuid(volume.uuid().ToString());
  message.set_path(volume.disk().path());
  message.set_accepting(volume.admits());
  message.set_fenced(volume.fence());
  message.set_partitions(static_cast<std::int64_t>(volume.partitions().size()));
  if (!volume.started()) {
    FillNotStarted(volume, message);
    return message;
  }
  const base::MonotonicTime now = volume.Now().monotonic;
  const monitor::SpacePolicy& policy = volume.driver()->policy();
  const monitor::Explanation explanation = policy.Explain(now);
  message.set_generation(policy.durable().generation.value());
  *message.mutable_holds() =
      HoldsMessage(explanation.wanted.empty() ? explanation.record.holds : explanation.wanted);
  if (explanation.device_fault.has_value()) {
    *message.add_device_faults() = DeviceHoldMessage(*explanation.device_fault);
  }
  *message.mutable_marks() = MarksMessage(policy.marks());
  if (explanation.reading.has_value()) {
    *message.mutable_reading() = ReadingMessage(*explanation.reading, now);
  }
  if (explanation.level.has_value()) message.set_level(LevelMessage(*explanation.level));
  *message.mutable_room() = RoomMessage(volume, explanation, now);
  if (explanation.record.last_proof.has_value()) {
    *message.mutable_last_proof() = ProofMessage(*explanation.record.last_proof);
  }
  message.set_episodes(explanation.record.episode.value());
  const bool held = message.holds().held_size() > 0 || message.device_faults_size() > 0;
  if (!held && !volume.accepting()) message.set_not_ready(explanation.summary);
  return message;
}

space_pb::Explanation ExplanationMessage(const Volume& volume) {
  space_pb::Explanation message;
  *message.mutable_volume() = VolumeMessage(volume);
  if (!volume.started()) {
    message.set_summary(
        volume.start_fault().empty()
            ? absl::StrFormat("opening: %d partitions to go", volume.opening())
            : absl::StrFormat("the volume could not start: %s", volume.start_fault()));
    for (std::string& step : NextSteps(message)) message.add_next_steps(std::move(step));
    return message;
  }
  const base::MonotonicTime now = volume.Now().monotonic;
  const monitor::Explanation explanation = volume.driver()->policy().Explain(now);
  message.set_summary(explanation.summary);
  message.set_episode_began(explanation.episode_began);
  message.set_marks_set_by(explanation.marks_set_by);
  if (explanation.released.has_value()) {
    message.set_released_by(explanation.released->who);
    message.set_released_unix_ms(explanation.released->at_wall);
  }
  if (explanation.reading_fault.has_value()) {
    message.set_reading_fault(
        absl::StrFormat("%s: %s", monitor::ReadingFaultName(explanation.reading_fault->kind),
                        explanation.reading_fault->detail));
  }
  FillProof(explanation, now, *message.mutable_proof());
  FillReclaim(explanation, message);
  FillPartitionFaults(volume, message);
  message.set_reclaimable_bytes(
      volume.PlanReclaim(volume.BytesTo(volume.marks().low_bytes)).expected_bytes);
  for (const auto& [id, partition] : volume.partitions()) {
    if (!partition->assigned) {
      message.set_unclaimed_bytes(message.unclaimed_bytes() + partition->log().allocated_bytes());
    }
  }
  for (std::string& step : NextSteps(message)) message.add_next_steps(std::move(step));
  return message;
}

space_pb::Volume UnopenedMessage(const UnopenedVolume& volume) {
  space_pb::Volume message;
  message.set_path(volume.path);
  *message.add_device_faults() =
      DeviceHoldMessage({CauseOf(volume.why), std::string(volume.why.message()), 0});
  return message;
}

space_pb::Explanation UnopenedExplanation(const UnopenedVolume& volume) {
  space_pb::Explanation message;
  *message.mutable_volume() = UnopenedMessage(volume);
  message.set_summary(absl::StrFormat("the volume could not be opened: %s", volume.why.message()));
  // No directory, or one without a marker: what a mount point shows while nothing is mounted.
  const bool unmounted = absl::IsNotFound(volume.why) || absl::IsFailedPrecondition(volume.why);
  message.add_next_steps(
      unmounted
          ? absl::StrFormat("mount its filesystem at %s   # findmnt %s shows what is there now",
                            volume.path, volume.path)
          : absl::StrFormat("mend what the message names; is the right filesystem mounted at %s? "
                            "(findmnt %s)",
                            volume.path, volume.path));
  message.add_next_steps("then restart tidemark-spu: it opens its volumes when it starts");
  return message;
}

space_pb::ReclaimStep ReclaimStepMessage(const Volume& volume,
                                         const monitor::ReclaimCandidate& candidate) {
  space_pb::ReclaimStep message;
  message.set_action(absl::StrFormat("free %s", monitor::ReclaimKindName(candidate.kind)));
  message.set_partition_id(candidate.partition.value());
  if (const Partition* partition = volume.Find(candidate.partition)) {
    message.set_topic(partition->log().state().topic);
    message.set_partition(static_cast<std::int32_t>(partition->log().state().index));
  }
  message.set_segment(candidate.name);
  message.set_expected_bytes(candidate.expected_bytes);
  message.set_policy(candidate.policy);
  return message;
}

std::optional<VolumeTruth> TruthOf(const Volume& volume, std::uint64_t boot_count) {
  // Could not start: its fault is all that is known, and says nothing of the verdict.
  if (!volume.start_fault().empty()) {
    VolumeTruth truth;
    truth.record.volume = volume.uuid();
    truth.device_faults.push_back(*volume.device_fault());
    return truth;
  }
  if (volume.durable() == nullptr) return std::nullopt;
  const monitor::VerdictRecord& record = *volume.durable();
  // Accept, then tell: after a start the record may say "no holds" while the room is still being
  // verified, and nobody must show Online before the gate is open.
  const bool says_ready = record.generation > base::Generation(0) && record.holds.empty() &&
                          !volume.device_fault().has_value();
  if (says_ready && !volume.accepting()) return std::nullopt;
  const base::MonotonicTime now = volume.Now().monotonic;
  const monitor::Explanation explanation = volume.driver()->policy().Explain(now);
  VolumeTruth truth;
  truth.record = record;
  truth.reading = explanation.reading;
  if (volume.device_fault().has_value()) truth.device_faults.push_back(*volume.device_fault());
  truth.room = RoomMessage(volume, explanation, now);
  if (explanation.proof_failure.has_value()) {
    truth.bytes_short = explanation.proof_failure->bytes_short;
    truth.inodes_short = explanation.proof_failure->inodes_short;
  }
  for (const auto& [id, why] : volume.unopened()) {
    // Of another fault the whole volume is held, or its assignment is refused.
    if (!absl::IsDataLoss(why)) continue;
    tidemark::sc::v1::LostData& message = truth.lost_data.emplace_back();
    message.set_partition_id(id.value());
    message.set_generation(boot_count);
    message.set_held(true);
    message.set_reason(std::string(why.message()));
  }
  for (const auto& [id, partition] : volume.partitions()) {
    const auto& lost = partition->log().state().lost_data;
    if (!lost.has_value()) continue;
    tidemark::sc::v1::LostData& message = truth.lost_data.emplace_back();
    message.set_partition_id(id.value());
    message.set_generation(boot_count);
    message.set_held(true);
    message.set_reason(lost->reason);
    if (lost->ranges.empty()) continue;
    message.set_from_offset(lost->ranges.front().first.value());
    message.set_to_offset(lost->ranges.back().end.value());
  }
  return truth;
}

}  // namespace tidemark::spu
