#include "cli/commands/partition_table.h"

#include "absl/strings/str_format.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Partition;

constexpr std::size_t kReasonWidth = 60;

// The space of its volume, as far as the status tells it.
std::string SpaceText(const Partition& partition) {
  if (partition.bytes_short() > 0) return SizeText(partition.bytes_short()) + " short";
  switch (partition.status()) {
    case sc::v1::PARTITION_STATUS_ONLINE:
      return "ok";
    case sc::v1::PARTITION_STATUS_OUT_OF_SPACE:
      return "full";
    default:
      return "-";
  }
}

}  // namespace

Table PartitionTable(const google::protobuf::RepeatedPtrField<Partition>& partitions) {
  Table table({{"TOPIC"},
               {"PARTITION", Align::kRight},
               {"LEADER"},
               {"STATUS"},
               {"REACHABLE"},
               {"SPACE"},
               {"SINCE"},
               {"REASON"},
               {"SIZE", Align::kRight},
               {"LOG-START", Align::kRight},
               {"HIGH-WATERMARK", Align::kRight}});
  for (const Partition& partition : partitions) {
    table.AddRow({partition.topic(),
                  std::to_string(partition.index()),
                  partition.leader().empty() ? "-" : partition.leader(),
                  {StatusWord(partition.status()), StatusColor(partition.status())},
                  {ReachableText(partition.reachable(), partition.reachable_since_unix_ms()),
                   partition.reachable() ? Color::kNone : Color::kWarning},
                  SpaceText(partition),
                  TimeText(partition.since_unix_ms()),
                  partition.reason().empty() ? "-" : Shortened(partition.reason(), kReasonWidth),
                  SizeText(partition.size_bytes()),
                  std::to_string(partition.log_start()),
                  std::to_string(partition.high_watermark())});
  }
  return table;
}

}  // namespace tidemark::cli
