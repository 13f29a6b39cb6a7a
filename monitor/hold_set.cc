#include "monitor/hold_set.h"

#include "absl/strings/str_format.h"

namespace tidemark::monitor {

std::string_view SpaceCauseName(SpaceCause cause) {
  switch (cause) {
    case SpaceCause::kBytes:
      return "bytes";
    case SpaceCause::kInodes:
      return "inodes";
    case SpaceCause::kQuota:
      return "quota";
  }
  return "unknown cause";
}

std::string_view DeviceCauseName(DeviceCause cause) {
  switch (cause) {
    case DeviceCause::kIoError:
      return "I/O error";
    case DeviceCause::kReadOnly:
      return "read-only";
    case DeviceCause::kStale:
      return "stale handle";
    case DeviceCause::kSyncFailed:
      return "sync failed";
    case DeviceCause::kWrongVolume:
      return "wrong volume";
    case DeviceCause::kMissingVolume:
      return "missing volume";
  }
  return "unknown cause";
}

std::string DescribeHolds(const HoldSet& holds) {
  if (holds.empty()) return "ready";
  std::string text;
  const auto add = [&text](const std::string& hold) {
    if (!text.empty()) text += ", ";
    text += hold;
  };
  if (holds.space) {
    add(absl::StrFormat("space(episode %u, %s%s)", holds.space->episode.value(),
                        SpaceCauseName(holds.space->cause),
                        holds.space->unproven ? ", unproven" : ""));
  }
  if (holds.blind) add(absl::StrFormat("blind(%s)", holds.blind->reason));
  if (holds.operator_hold) {
    add(absl::StrFormat("operator(%s: %s)", holds.operator_hold->who, holds.operator_hold->why));
  }
  if (holds.device) {
    add(absl::StrFormat("device(%s: %s)", DeviceCauseName(holds.device->cause),
                        holds.device->detail));
  }
  return text;
}

}  // namespace tidemark::monitor
