#include "sc/core/placement_input.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "daemon/control/verdict_digest.h"

namespace tidemark::sc {
namespace {

// Every hold by name, also one this program does not know.
std::string HoldOf(const v1::Report& report) {
  std::string all;
  const auto add = [&all](const std::string& hold) {
    if (!all.empty()) all += ", ";
    all += hold;
  };
  for (const space::v1::HoldKind kind : daemon::HoldKindsOf(report.holds())) {
    if (kind == space::v1::HOLD_KIND_SPACE) {
      add(absl::StrFormat("space, episode %d", report.holds().space().episode()));
    } else if (space::v1::HoldKind_IsValid(kind)) {
      std::string name = space::v1::HoldKind_Name(kind).substr(sizeof("HOLD_KIND_") - 1);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      add(name);
    } else {
      add(absl::StrFormat("unknown hold %d", static_cast<int>(kind)));
    }
  }
  if (report.device_faults_size() > 0) add("device fault");
  return all;
}

}  // namespace

std::vector<PlacementVolume> PlacementInput(const std::map<base::Uuid, VolumeState>& volumes,
                                            const TopicTable& topics) {
  std::vector<PlacementVolume> input;
  input.reserve(volumes.size());
  for (const auto& [uuid, volume] : volumes) {
    const v1::Report& report = volume.record.accepted;
    PlacementVolume& candidate = input.emplace_back();
    candidate.spu_id = volume.record.spu_id;
    candidate.uuid = uuid;
    candidate.path = volume.record.path;
    candidate.up = volume.reach == v1::REACH_UP && volume.reported();
    candidate.hold = HoldOf(report);
    candidate.space_held = daemon::HoldsKind(report.holds(), space::v1::HOLD_KIND_SPACE);
    candidate.has_reading = report.has_reading() && report.has_marks();
    candidate.available_bytes = report.reading().available_bytes();
    candidate.full_bytes = report.marks().full_bytes();
    candidate.step_bytes = report.marks().step_bytes();
    candidate.partitions = topics.PartitionsOn(uuid);
    candidate.steps_seen = report.room().steps();
  }
  return input;
}

}  // namespace tidemark::sc
