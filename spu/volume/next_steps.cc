#include "spu/volume/next_steps.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"

namespace tidemark::spu {
namespace {

namespace space_pb = tidemark::space::v1;
using base::FormatByteSize;

bool Holds(const space_pb::Holds& holds, space_pb::HoldKind kind) {
  return std::find(holds.held().begin(), holds.held().end(), kind) != holds.held().end();
}

std::string FreeStep(std::int64_t bytes, const space_pb::Volume& volume) {
  // At 0 root may have gone below it, into what is kept for it.
  const bool at_zero = volume.has_reading() && volume.reading().available_bytes() == 0;
  return absl::StrFormat("free %s%s on %s (%d bytes; or grow the filesystem)",
                         at_zero ? "at least " : "", FormatByteSize(bytes), volume.path(), bytes);
}

// The filesystem has space: what is short is what it lets this user or project have.
std::string QuotaStep(const space_pb::Volume& volume) {
  const std::string& path = volume.path();
  const std::string& kind = volume.reading().file_system();
  std::string command = absl::StrFormat("repquota -s %s, setquota", path);
  if (kind == "xfs") command = absl::StrFormat("xfs_quota -x -c 'report -h' %s, then limit", path);
  if (kind == "btrfs") command = absl::StrFormat("btrfs qgroup show %s, then limit", path);
  return absl::StrFormat(
      "raise the quota that tidemark-spu writes under on %s (%s), or free what counts against it",
      path, command);
}

void AddSpaceSteps(const space_pb::Explanation& explanation, std::vector<std::string>& steps) {
  const space_pb::Volume& volume = explanation.volume();
  const bool quota = volume.holds().space().cause() == space_pb::SPACE_CAUSE_QUOTA;
  const std::int64_t short_bytes =
      std::max(explanation.proof().bytes_short(),
               volume.marks().resume_bytes() - volume.reading().available_bytes());
  if (quota) {
    steps.push_back(QuotaStep(volume));
  } else if (short_bytes > 0) {
    steps.push_back(FreeStep(short_bytes, volume));
  }
  if (explanation.proof().inodes_short() > 0) {
    steps.push_back(
        absl::StrFormat("free %d inodes on %s", explanation.proof().inodes_short(), volume.path()));
  }
  if (explanation.reclaimable_bytes() > 0) {
    steps.push_back(absl::StrFormat("tidemark volume reclaim %s   # policy allows %s",
                                    volume.uuid().substr(0, 8),
                                    FormatByteSize(explanation.reclaimable_bytes())));
  } else if (quota || short_bytes > 0) {
    steps.push_back("tidemark trim TOPIC/PARTITION --before OFFSET   # drop what nobody needs");
  }
  steps.push_back("nothing else: it goes Online by itself once the proof has succeeded");
}

}  // namespace

std::vector<std::string> NextSteps(const space_pb::Explanation& explanation) {
  const space_pb::Volume& volume = explanation.volume();
  std::vector<std::string> steps;
  if (!volume.fenced().empty()) {
    steps.push_back(
        "if this machine is to take the place of another: stop that one, then "
        "tidemark spu replace ID");
    steps.push_back(
        "if it has a volume or an identity of another SPU: take the volume out of its "
        "configuration, or start it under the id that the message names");
    steps.push_back(
        "if it is the copy: stop it, and give it an id and volumes of its own (tidemark-spu "
        "format)");
  }
  const std::string name = volume.uuid().substr(0, 8);
  const bool device =
      volume.device_faults_size() > 0 || Holds(volume.holds(), space_pb::HOLD_KIND_DEVICE);
  const bool space = Holds(volume.holds(), space_pb::HOLD_KIND_SPACE);
  if (device) {
    steps.push_back(
        "look at the disk: dmesg, smartctl; is it mounted read-write? If it is a thin volume, has "
        "its pool space (lvs)? Give it some first");
    steps.push_back(
        "then restart tidemark-spu: only a start that has verified the disk lifts this");
    if (space) {
      steps.push_back("then tidemark volume explain again: it is out of space, too");
    }
  } else if (space) {
    AddSpaceSteps(explanation, steps);
  } else if (!volume.not_ready().empty() && explanation.proof().bytes_short() > 0) {
    steps.push_back(FreeStep(explanation.proof().bytes_short(), volume));
    steps.push_back("nothing else: it goes Online by itself once its working room is taken");
  }
  if (Holds(volume.holds(), space_pb::HOLD_KIND_OPERATOR)) {
    steps.push_back("tidemark volume release " + name);
  }
  if (Holds(volume.holds(), space_pb::HOLD_KIND_BLIND)) {
    steps.push_back(
        "see why statvfs fails or hangs on the mount; it lifts itself after 3 readings");
  }
  return steps;
}

}  // namespace tidemark::spu
