#include "spu/volume/volume_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "spu/core/space_messages.h"

namespace tidemark::spu {
namespace {

namespace space = tidemark::space::v1;
using base::FormatByteSize;

std::int64_t Millis(base::Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

space::SpaceLevel LevelMessage(monitor::SpaceLevel level) {
  switch (level) {
    case monitor::SpaceLevel::kOk:
      return space::SPACE_LEVEL_OK;
    case monitor::SpaceLevel::kLow:
      return space::SPACE_LEVEL_LOW;
    case monitor::SpaceLevel::kFull:
      return space::SPACE_LEVEL_FULL;
  }
  return space::SPACE_LEVEL_UNSPECIFIED;
}

space::Room RoomMessage(const Volume& volume, const monitor::Explanation& explanation,
                        base::MonotonicTime now) {
  space::Room room;
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
               space::ProofProgress& proof) {
  proof.set_step(static_cast<space::ProofStep>(explanation.proof_step));
  proof.set_running(explanation.proof_running);
  proof.set_tries(static_cast<std::int32_t>(explanation.proof_attempts));
  proof.set_readings_seen(explanation.proof_readings_seen);
  proof.set_readings_wanted(explanation.proof_readings_wanted);
  proof.set_settle_ms(Millis(explanation.settle));
  proof.set_settled_ms(Millis(explanation.settled));
  if (!explanation.proof_failure.has_value()) return;
  const monitor::ProofFailure& failure = *explanation.proof_failure;
  if (!explanation.proof_running) {
    proof.set_step(static_cast<space::ProofStep>(failure.step));
  }
  proof.set_message(failure.reason);
  proof.set_bytes_short(failure.bytes_short);
  proof.set_inodes_short(failure.inodes_short);
  proof.set_next_try_ms(std::max<std::int64_t>(0, Millis(failure.next_try - now)));
}

bool Holds(const space::Holds& holds, space::HoldKind kind) {
  return std::find(holds.held().begin(), holds.held().end(), kind) != holds.held().end();
}

}  // namespace

space::Volume VolumeMessage(const Volume& volume) {
  space::Volume message;
  message.set_uuid(volume.uuid().ToString());
  message.set_path(volume.disk().path());
  message.set_accepting(volume.accepting());
  message.set_partitions(static_cast<std::int64_t>(volume.partitions().size()));
  if (!volume.started()) return message;
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
  return message;
}

space::Explanation ExplanationMessage(const Volume& volume) {
  space::Explanation message;
  *message.mutable_volume() = VolumeMessage(volume);
  if (!volume.started()) {
    message.set_summary(absl::StrFormat("opening: %d partitions to go", volume.opening()));
    return message;
  }
  const base::MonotonicTime now = volume.Now().monotonic;
  const monitor::Explanation explanation = volume.driver()->policy().Explain(now);
  message.set_summary(explanation.summary);
  FillProof(explanation, now, *message.mutable_proof());
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

space::ReclaimStep ReclaimStepMessage(const Volume& volume,
                                      const monitor::ReclaimCandidate& candidate) {
  space::ReclaimStep message;
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

std::vector<std::string> NextSteps(const space::Explanation& explanation) {
  const space::Volume& volume = explanation.volume();
  std::vector<std::string> steps;
  if (volume.device_faults_size() > 0 || Holds(volume.holds(), space::HOLD_KIND_DEVICE)) {
    steps.push_back("look at the disk: dmesg, smartctl; is it mounted read-write?");
    steps.push_back(
        "then restart tidemark-spu: only a start that has verified the disk lifts this");
  }
  if (Holds(volume.holds(), space::HOLD_KIND_SPACE)) {
    const std::int64_t short_bytes =
        std::max(explanation.proof().bytes_short(),
                 volume.marks().resume_bytes() - volume.reading().available_bytes());
    if (short_bytes > 0) {
      steps.push_back(absl::StrFormat("free %s on %s (%d bytes; or grow the filesystem)",
                                      FormatByteSize(short_bytes), volume.path(), short_bytes));
    }
    if (explanation.proof().inodes_short() > 0) {
      steps.push_back(absl::StrFormat("free %d inodes on %s", explanation.proof().inodes_short(),
                                      volume.path()));
    }
    if (explanation.reclaimable_bytes() > 0) {
      steps.push_back(absl::StrFormat("tidemark volume reclaim %s   # policy allows %s",
                                      volume.uuid().substr(0, 8),
                                      FormatByteSize(explanation.reclaimable_bytes())));
    } else if (short_bytes > 0) {
      steps.push_back("tidemark trim TOPIC/PARTITION --before OFFSET   # drop what nobody needs");
    }
    steps.push_back("nothing else: it goes Online by itself once the proof has succeeded");
  }
  if (Holds(volume.holds(), space::HOLD_KIND_OPERATOR)) {
    steps.push_back(absl::StrFormat("tidemark volume release %s", volume.uuid().substr(0, 8)));
  }
  if (Holds(volume.holds(), space::HOLD_KIND_BLIND)) {
    steps.push_back(
        "see why statvfs fails or hangs on the mount; it lifts itself after 3 readings");
  }
  return steps;
}

std::optional<VolumeTruth> TruthOf(const Volume& volume, std::uint64_t boot_count) {
  // Could not start: its fault is all that is known, and says nothing of the verdict.
  if (!volume.start_fault().empty()) {
    VolumeTruth truth;
    truth.record.volume = volume.uuid();
    truth.device_faults.push_back(*volume.device_fault());
    return truth;
  }
  if (!volume.durable().has_value()) return std::nullopt;
  // Accept, then tell: after a start the record may say "no holds" while the room is still being
  // verified, and nobody must show Online before the gate is open.
  const bool says_ready = volume.durable()->holds.empty() && !volume.device_fault().has_value();
  if (says_ready && !volume.accepting()) return std::nullopt;
  const base::MonotonicTime now = volume.Now().monotonic;
  const monitor::Explanation explanation = volume.driver()->policy().Explain(now);
  VolumeTruth truth;
  truth.record = *volume.durable();
  truth.reading = explanation.reading;
  if (volume.device_fault().has_value()) truth.device_faults.push_back(*volume.device_fault());
  truth.room = RoomMessage(volume, explanation, now);
  if (explanation.proof_failure.has_value()) {
    truth.bytes_short = explanation.proof_failure->bytes_short;
    truth.inodes_short = explanation.proof_failure->inodes_short;
  }
  for (const auto& [id, why] : volume.unopened()) {
    if (!absl::IsDataLoss(why)) continue;  // then the whole volume is held
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
