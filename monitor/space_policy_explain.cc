// What the policy says of itself.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "monitor/space_level.h"
#include "monitor/space_policy.h"

namespace tidemark::monitor {

HoldSet SpacePolicy::HoldsNow() const {
  HoldSet holds = wanted_.holds;
  if (device_fault_) holds.device = device_fault_;
  return holds;
}

namespace {

std::string ShortText(const ProofFailure& failure, const std::optional<SpaceReading>& reading) {
  std::string text;
  if (failure.bytes_short > 0) {
    // At 0 root may have gone below it, into what is kept for it: nobody may know how far.
    const bool at_zero = reading && reading->available_bytes == 0;
    text += absl::StrFormat("; %s%s (%d bytes) short", at_zero ? "at least " : "",
                            base::FormatByteSize(failure.bytes_short), failure.bytes_short);
  }
  if (failure.inodes_short > 0) text += absl::StrFormat("; %d inodes short", failure.inodes_short);
  return text;
}

}  // namespace

std::string SpacePolicy::FirstStartWaits() const {
  if (!provisioning_) return "";
  if (!proof_.failure()) return "first start: working room is being taken";
  return absl::StrFormat("first start: %s%s", proof_.failure()->reason,
                         ShortText(*proof_.failure(), reading_));
}

const ProofFailure* SpacePolicy::first_start_shortage() const {
  if (!provisioning_ || !proof_.failure()) return nullptr;
  const ProofFailure& failure = *proof_.failure();
  return failure.bytes_short > 0 || failure.inodes_short > 0 ? &failure : nullptr;
}

std::string SpacePolicy::Summary() const {
  if (device_fault_) {
    return absl::StrFormat("device fault (%s: %s): restart after it is repaired",
                           DeviceCauseName(device_fault_->cause), device_fault_->detail);
  }
  if (!wanted_.holds.empty()) {
    std::string text = DescribeHolds(wanted_.holds);
    if (wanted_.holds.space && proof_.failure()) {
      const ProofFailure& failure = *proof_.failure();
      text += absl::StrFormat("; proof stands at '%s': %s", ProofStepName(failure.step),
                              failure.reason) +
              ShortText(failure, reading_);
    }
    return text;
  }
  if (provisioning_) return FirstStartWaits();
  if (!gate_open_) return "working room, record or reading are awaited";
  return "ready";
}

Explanation SpacePolicy::Explain(base::MonotonicTime now) const {
  Explanation e;
  e.record = durable_;
  e.wanted = wanted_.holds;
  e.device_fault = device_fault_;
  e.gate_open = gate_open_;
  e.provisioning = provisioning_;
  e.room_held = room_held_;
  e.summary = Summary();
  if (wanted_.holds.space || durable_.holds.space) e.episode_began = began_;
  e.marks_set_by = wanted_.marks_set_by;
  e.released = released_;
  e.reading = reading_;
  e.reading_fault = fault_;
  if (reading_) e.level = LevelOf(*reading_, wanted_.marks);
  e.budget = budget_.Snapshot(now);
  e.fill_bytes_per_second = schedule_.fill_bytes_per_second();
  e.time_to_full = schedule_.time_to_full();
  e.proof_running = proof_.running();
  e.proof_step = proof_.step();
  e.proof_failure = proof_.failure();
  e.proof_attempts = static_cast<std::int64_t>(proof_.attempt());
  e.proof_readings_seen = proof_.readings_seen();
  e.proof_readings_wanted = proof_.goal().readings;
  e.settle = settle_;
  e.settled = proof_.settled();
  e.reserve_held_bytes = reserve_held_bytes_;
  e.freed_by_us_bytes = freed_by_us_bytes_;
  e.observed_gain_bytes = gain_bytes_;
  e.pinned = LooksPinned(freed_by_us_bytes_, gain_bytes_);
  e.reclaim_running = reclaim_running_;
  // A person may reclaim at any time, also where nothing is short.
  if (reclaim_ended_ && reclaim_ended_->needs_operator && reading_ && WantedOfReclaim(*reading_)) {
    e.reclaim_needs_operator = true;
    e.reclaim_bytes_short = std::max<std::int64_t>(
        0, wanted_.marks.resume_bytes + reading_->below_zero_bytes - reading_->available_bytes);
  }
  return e;
}

}  // namespace tidemark::monitor
