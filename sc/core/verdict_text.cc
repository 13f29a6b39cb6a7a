#include "sc/core/verdict_text.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <string_view>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/byte_size.h"
#include "daemon/control/verdict_digest.h"
#include "sc/core/report_table.h"

namespace tidemark::sc {
namespace {

// "SPACE_CAUSE_BYTES" without its prefix, as people write it. Empty name: a value from a newer
// peer.
std::string Words(const std::string& name, std::string_view prefix, int number) {
  if (name.size() <= prefix.size()) return absl::StrFormat("unknown %d", number);
  std::string words = name.substr(prefix.size());
  std::transform(words.begin(), words.end(), words.begin(), [](char c) {
    return c == '_' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return words;
}

std::string DescribeDevice(const space::v1::DeviceHold& device) {
  const std::string cause =
      Words(space::v1::DeviceCause_Name(device.cause()), "DEVICE_CAUSE_", device.cause());
  if (device.detail().empty()) return absl::StrFormat("device(%s)", cause);
  return absl::StrFormat("device(%s: %s)", cause, device.detail());
}

}  // namespace

std::string DescribeHold(const space::v1::Holds& holds, space::v1::HoldKind kind) {
  switch (kind) {
    case space::v1::HOLD_KIND_SPACE: {
      const auto& space = holds.space();
      return absl::StrFormat(
          "space(episode %d, %s%s)", space.episode(),
          Words(space::v1::SpaceCause_Name(space.cause()), "SPACE_CAUSE_", space.cause()),
          space.unproven() ? ", unproven" : "");
    }
    case space::v1::HOLD_KIND_BLIND:
      return absl::StrFormat("blind(%s)", holds.blind().reason());
    case space::v1::HOLD_KIND_OPERATOR:
      return absl::StrFormat("operator(%s: %s)", holds.operator_().who(), holds.operator_().why());
    case space::v1::HOLD_KIND_DEVICE:
      return DescribeDevice(holds.device());
    default:
      return absl::StrFormat("unknown hold %d", static_cast<int>(kind));
  }
}

std::string DescribeVerdict(const v1::Report& report, const PartitionNames& names) {
  if (report.generation() == 0) return "unknown";
  std::vector<std::string> parts;
  for (const auto kind : daemon::HoldKindsOf(report.holds())) {
    parts.push_back(DescribeHold(report.holds(), kind));
  }
  for (const auto& fault : report.device_faults()) parts.push_back(DescribeDevice(fault));
  for (const auto& lost : report.lost_data()) {
    if (!lost.held()) continue;
    std::string name = names(base::PartitionId(lost.partition_id()));
    if (name.empty()) name = absl::StrFormat("partition %d", lost.partition_id());
    parts.push_back(absl::StrFormat("lost-data(%s)", name));
  }
  return parts.empty() ? "ready" : absl::StrJoin(parts, ", ");
}

std::string DescribeRecord(const v1::Report& report, const PartitionNames& names) {
  return absl::StrFormat("generation %d, %s", report.generation(), DescribeVerdict(report, names));
}

std::string DescribeShortage(const v1::Report& report) {
  std::string text;
  const space::v1::SpaceCause cause = report.holds().space().cause();
  if (cause == space::v1::SPACE_CAUSE_QUOTA) text = "quota used up: ";
  if (cause == space::v1::SPACE_CAUSE_INODES) {
    if (report.has_reading()) {
      absl::StrAppendFormat(&text, "%d inodes available, ", report.reading().available_inodes());
    }
    absl::StrAppendFormat(&text, "full mark %d, resume mark %d", report.marks().full_inodes(),
                          report.marks().resume_inodes());
  } else {
    if (report.has_reading()) {
      absl::StrAppendFormat(&text, "%s available, ",
                            base::FormatByteSize(report.reading().available_bytes()));
    }
    absl::StrAppendFormat(&text, "full mark %s, resume mark %s",
                          base::FormatByteSize(report.marks().full_bytes()),
                          base::FormatByteSize(report.marks().resume_bytes()));
  }
  if (report.bytes_short() > 0) {
    absl::StrAppendFormat(&text, ", %s short", base::FormatByteSize(report.bytes_short()));
  }
  if (report.inodes_short() > 0) {
    absl::StrAppendFormat(&text, ", %d inodes short", report.inodes_short());
  }
  return text;
}

std::string DescribeProof(const space::v1::Proof& proof) {
  std::string text = absl::StrFormat("proof of episode %d: ", proof.episode());
  if (proof.cause() == space::v1::SPACE_CAUSE_INODES) {
    absl::StrAppendFormat(&text, "%d inodes available before, %d after, resume mark %d",
                          proof.inodes_before(), proof.inodes_after(),
                          proof.marks().resume_inodes());
  } else {
    absl::StrAppendFormat(&text, "%s available before, %s after, resume mark %s",
                          base::FormatByteSize(proof.bytes_before()),
                          base::FormatByteSize(proof.bytes_after()),
                          base::FormatByteSize(proof.marks().resume_bytes()));
  }
  absl::StrAppendFormat(
      &text,
      "; taken and kept: %d steps (%s) and a reserve of %s; %d readings over %s; freed by us %s, "
      "gain seen %s",
      proof.steps_taken(), base::FormatByteSize(proof.steps_bytes()),
      base::FormatByteSize(proof.reserve_bytes()), proof.readings(),
      base::FormatDuration(std::chrono::milliseconds(proof.settle_ms())),
      base::FormatByteSize(proof.freed_by_us_bytes()),
      base::FormatByteSize(proof.observed_gain_bytes()));
  return text;
}

std::string DescribePassed(const v1::Report& from, const v1::Report& to) {
  const bool was_full = daemon::HoldsKind(from.holds(), space::v1::HOLD_KIND_SPACE);
  const bool is_full = daemon::HoldsKind(to.holds(), space::v1::HOLD_KIND_SPACE);
  // The one held is seen; one that was held and is followed by another ended unseen.
  const std::uint64_t first = NewestEpisode(from) + (was_full && is_full ? 0 : 1);
  const std::uint64_t end = NewestEpisode(to) + (is_full ? 0 : 1);
  if (from.generation() == 0 || NewestEpisode(to) <= NewestEpisode(from) || first >= end) return "";
  if (first + 1 == end) return absl::StrFormat("episode %d passed unseen", first);
  return absl::StrFormat("episodes %d to %d passed unseen", first, end - 1);
}

std::string RefusalName(v1::ReportRefusal refusal) {
  return Words(v1::ReportRefusal_Name(refusal), "REPORT_REFUSAL_", refusal);
}

std::string RefusalName(v1::AssignmentRefusal refusal) {
  return Words(v1::AssignmentRefusal_Name(refusal), "ASSIGNMENT_REFUSAL_", refusal);
}

std::string NackName(v1::NackReason reason) {
  return Words(v1::NackReason_Name(reason), "NACK_REASON_", reason);
}

}  // namespace tidemark::sc
