#include "cli/commands/partition_advice.h"

#include "absl/strings/str_format.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Partition;

std::string AboutRefusal(const Partition& partition, const std::string& volume) {
  switch (partition.assignment_refusal_reason()) {
    case sc::v1::ASSIGNMENT_REFUSAL_NO_ROOM:
      // The SC asks again by itself: once there is room, it is taken.
      return "tidemark volume plan " + volume;
    case sc::v1::ASSIGNMENT_REFUSAL_UNKNOWN_VOLUME:
      return "tidemark spu describe " + partition.leader();
    case sc::v1::ASSIGNMENT_REFUSAL_VOLUME_HELD:
    case sc::v1::ASSIGNMENT_REFUSAL_DEVICE:
      return "tidemark volume explain " + volume;
    default:
      return "tidemark events --contains " + PartitionName(partition.topic(), partition.index());
  }
}

}  // namespace

std::string AdviceFor(const Partition& partition, const std::string& volume) {
  switch (partition.status()) {
    case sc::v1::PARTITION_STATUS_ONLINE:
      return "";
    case sc::v1::PARTITION_STATUS_LEADER_OFFLINE:
      return "tidemark spu describe " + partition.leader();
    case sc::v1::PARTITION_STATUS_FAILED:
      if (partition.lost_data()) {
        return absl::StrFormat(
            "tidemark consume %s --partition %d (what is left of it); it takes no records any "
            "more: copy them to a new topic, then tidemark topic delete %s",
            partition.topic(), partition.index(), partition.topic());
      }
      break;
    case sc::v1::PARTITION_STATUS_OFFLINE:
      if (!partition.reachable()) return "tidemark spu describe " + partition.leader();
      if (!partition.assignment_refusal().empty()) return AboutRefusal(partition, volume);
      if (!partition.assignment_acked()) return "tidemark spu describe " + partition.leader();
      break;
    default:
      break;
  }
  return "tidemark volume explain " + volume;
}

}  // namespace tidemark::cli
