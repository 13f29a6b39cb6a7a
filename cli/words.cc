#include "cli/words.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/byte_size.h"
#include "base/clock.h"

namespace tidemark::cli {

using google::protobuf::RepeatedPtrField;
using sc::v1::PartitionStatus;
using space::v1::DeviceHold;
using space::v1::HoldKind;
using space::v1::Holds;

std::string StatusWord(PartitionStatus status) {
  switch (status) {
    case sc::v1::PARTITION_STATUS_ONLINE:
      return "Online";
    case sc::v1::PARTITION_STATUS_OFFLINE:
      return "Offline";
    case sc::v1::PARTITION_STATUS_LEADER_OFFLINE:
      return "LeaderOffline";
    case sc::v1::PARTITION_STATUS_OUT_OF_SPACE:
      return "OutOfSpace";
    case sc::v1::PARTITION_STATUS_FAILED:
      return "Failed";
    default:
      return absl::StrFormat("unknown status %d", static_cast<int>(status));
  }
}

Color StatusColor(PartitionStatus status) {
  switch (status) {
    case sc::v1::PARTITION_STATUS_ONLINE:
      return Color::kGood;
    case sc::v1::PARTITION_STATUS_OFFLINE:
    case sc::v1::PARTITION_STATUS_LEADER_OFFLINE:
      return Color::kWarning;
    default:
      return Color::kBad;
  }
}

std::string ReachableText(bool reachable, std::int64_t since_unix_ms) {
  if (reachable) return "yes";
  return since_unix_ms == 0 ? "no" : "no since " + TimeText(since_unix_ms);
}

std::string TimeText(std::int64_t unix_ms) {
  if (unix_ms == 0) return "-";
  std::string text = base::FormatWallTime(unix_ms);
  return text.substr(0, text.find('.')) + "Z";
}

std::string PartitionName(const std::string& topic, std::int32_t index) {
  return absl::StrFormat("%s/%d", topic, index);
}

std::string ExactBytes(std::int64_t bytes) {
  return absl::StrFormat("%d bytes (%s)", bytes, base::FormatByteSize(bytes));
}

std::string SizeText(std::int64_t bytes) { return bytes < 0 ? "-" : base::FormatByteSize(bytes); }

std::string Shortened(const std::string& text, std::size_t width) {
  if (DisplayWidth(text) <= width) return text;
  std::string cut;
  std::size_t shown = 0;
  for (const char c : text) {
    const bool starts_character = (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    if (starts_character && ++shown == width) break;
    cut += c;
  }
  return cut + "…";
}

std::string CauseWord(space::v1::SpaceCause cause) {
  switch (cause) {
    case space::v1::SPACE_CAUSE_BYTES:
      return "bytes";
    case space::v1::SPACE_CAUSE_INODES:
      return "inodes";
    case space::v1::SPACE_CAUSE_QUOTA:
      return "quota";
    default:
      return absl::StrFormat("unknown cause %d", static_cast<int>(cause));
  }
}

std::string DeviceCauseWord(space::v1::DeviceCause cause) {
  switch (cause) {
    case space::v1::DEVICE_CAUSE_IO_ERROR:
      return "I/O error";
    case space::v1::DEVICE_CAUSE_READ_ONLY:
      return "read-only";
    case space::v1::DEVICE_CAUSE_STALE:
      return "stale";
    case space::v1::DEVICE_CAUSE_SYNC_FAILED:
      return "sync failed";
    case space::v1::DEVICE_CAUSE_WRONG_VOLUME:
      return "wrong volume";
    case space::v1::DEVICE_CAUSE_MISSING_VOLUME:
      return "missing volume";
    default:
      return absl::StrFormat("unknown fault %d", static_cast<int>(cause));
  }
}

std::string AssignmentRefusalWord(sc::v1::AssignmentRefusal refusal) {
  switch (refusal) {
    case sc::v1::ASSIGNMENT_REFUSAL_UNSPECIFIED:
      return "for no reason given";
    case sc::v1::ASSIGNMENT_REFUSAL_NO_ROOM:
      return "no room";
    case sc::v1::ASSIGNMENT_REFUSAL_UNKNOWN_VOLUME:
      return "volume not on the SPU";
    case sc::v1::ASSIGNMENT_REFUSAL_VOLUME_CHANGED:
      return "volume changed";
    case sc::v1::ASSIGNMENT_REFUSAL_VOLUME_HELD:
      return "volume held";
    case sc::v1::ASSIGNMENT_REFUSAL_BAD_NAME:
      return "bad name";
    case sc::v1::ASSIGNMENT_REFUSAL_DEVICE:
      return "device fault";
    default:
      return absl::StrFormat("unknown refusal %d", static_cast<int>(refusal));
  }
}

namespace {

std::string DeviceText(const DeviceHold& hold) {
  std::string text = "Failed (" + DeviceCauseWord(hold.cause());
  if (!hold.detail().empty()) text += ": " + hold.detail();
  return text + ")";
}

std::string HoldText(int kind, const Holds& holds) {
  switch (kind) {
    case space::v1::HOLD_KIND_SPACE:
      return absl::StrFormat("OutOfSpace (episode %d, %s%s)", holds.space().episode(),
                             CauseWord(holds.space().cause()),
                             holds.space().unproven() ? ", unproven" : "");
    case space::v1::HOLD_KIND_BLIND:
      return "blind (" + holds.blind().reason() + ")";
    case space::v1::HOLD_KIND_OPERATOR:
      return absl::StrFormat("operator (%s: %s)", holds.operator_().who(), holds.operator_().why());
    case space::v1::HOLD_KIND_DEVICE:
      return DeviceText(holds.device());
    default:
      return absl::StrFormat("unknown hold %d", kind);
  }
}

}  // namespace

std::string HoldsText(const Holds& holds, const RepeatedPtrField<DeviceHold>& faults) {
  std::vector<std::string> texts;
  for (const int kind : holds.held()) texts.push_back(HoldText(kind, holds));
  for (const DeviceHold& fault : faults) texts.push_back(DeviceText(fault));
  return texts.empty() ? "Ready" : absl::StrJoin(texts, ", ");
}

std::string VerdictText(const space::v1::Volume& volume) {
  if (!volume.fenced().empty()) {
    return absl::StrFormat("Fenced (the controller refuses this SPU: %s)", volume.fenced());
  }
  if (volume.accepting() || IsHeld(volume.holds(), volume.device_faults())) {
    return HoldsText(volume.holds(), volume.device_faults());
  }
  return volume.not_ready().empty() ? "Not ready"
                                    : absl::StrFormat("Not ready (%s)", volume.not_ready());
}

bool IsHeld(const Holds& holds, const RepeatedPtrField<DeviceHold>& faults) {
  return holds.held_size() > 0 || !faults.empty();
}

std::string ProofStepText(space::v1::ProofStep step) {
  static constexpr std::array<const char*, 7> kSteps = {
      "not begun",
      "1 of 6 (the same volume, mounted read-write)",
      "2 of 6 (fresh readings above the resume mark)",
      "3 of 6 (taking working room for real, and keeping it)",
      "4 of 6 (a reading after that, still above the resume mark)",
      "5 of 6 (no new out-of-space error since)",
      "6 of 6 (making the verdict durable)"};
  const auto index = static_cast<std::size_t>(step);
  return index < kSteps.size() ? kSteps.at(index)
                               : absl::StrFormat("unknown step %d", static_cast<int>(step));
}

std::string ProofText(const space::v1::Proof& proof) {
  using std::chrono::milliseconds;
  std::string text = absl::StrFormat(
      "episode %d (%s) ended %s: %s available before, %s after; room taken and kept: %d steps "
      "(%s) and a reserve of %s; freed by us %s, gain seen %s; %d readings over %s, oldest %s; "
      "taking took %s; %s",
      proof.episode(), CauseWord(proof.cause()), TimeText(proof.at_unix_ms()),
      base::FormatByteSize(proof.bytes_before()), base::FormatByteSize(proof.bytes_after()),
      proof.steps_taken(), base::FormatByteSize(proof.steps_bytes()),
      base::FormatByteSize(proof.reserve_bytes()), base::FormatByteSize(proof.freed_by_us_bytes()),
      base::FormatByteSize(proof.observed_gain_bytes()), proof.readings(),
      base::FormatDuration(milliseconds(proof.settle_ms())),
      base::FormatDuration(milliseconds(proof.reading_age_max_ms())),
      base::FormatDuration(milliseconds(proof.taking_ms())), proof.file_system());
  if (proof.counts_inodes()) {
    text += absl::StrFormat("; inodes %d before, %d after", proof.inodes_before(),
                            proof.inodes_after());
  }
  return text;
}

}  // namespace tidemark::cli
