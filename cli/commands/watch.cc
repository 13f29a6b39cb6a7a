#include <map>
#include <memory>
#include <stop_token>

#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "cli/color.h"
#include "cli/commands/commands.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Partition;

struct Seen {
  sc::v1::PartitionStatus status = sc::v1::PARTITION_STATUS_UNSPECIFIED;
  bool reachable = false;
};

// "12:00:01Z  orders/3  Online -> OutOfSpace  reachable: yes  reason"
std::string LineOf(const Partition& partition, const Seen* before, bool colors) {
  std::string change;
  if (before != nullptr && before->status != partition.status()) {
    change = StatusWord(before->status) + " -> ";
  }
  change += Painted(StatusWord(partition.status()), StatusColor(partition.status()), colors);
  std::string line = absl::StrFormat(
      "%s  %s  %s  reachable: %s", base::FormatWallTime(base::SystemClock().WallNow()),
      PartitionName(partition.topic(), partition.index()), change,
      ReachableText(partition.reachable(), partition.reachable_since_unix_ms()));
  if (!partition.reason().empty()) line += "  " + partition.reason();
  return line;
}

absl::Status Watch(Invocation& invocation, const std::string& topic) {
  Output& output = invocation.output;
  std::map<std::uint64_t, Seen> seen;
  return invocation.Controller().WatchPartitions(
      topic, std::stop_token(), [&](const sc::v1::WatchPartitionsResponse& changes) {
        for (const Partition& partition : changes.partitions()) {
          const auto known = seen.find(partition.id());
          const Seen now{partition.status(), partition.reachable()};
          // Offsets move all the time; a person watches status and reach.
          const bool same = known != seen.end() && known->second.status == now.status &&
                            known->second.reachable == now.reachable;
          if (same) continue;
          if (output.json()) {
            if (!output.PrintJsonLine(partition).ok()) return false;
          } else {
            output.Print(
                LineOf(partition, known == seen.end() ? nullptr : &known->second, output.colors));
          }
          seen[partition.id()] = now;
        }
        output.Flush();
        return output.out().good();
      });
}

}  // namespace

void AddWatchCommand(Command& root, Invocation& invocation) {
  const auto topic = std::make_shared<std::string>();
  root.Sub("watch", "Show status changes as they come")
      .Example("tidemark watch", "")
      .Example("tidemark watch orders -o json", "one object per line, for scripts")
      .OptionalPositional("TOPIC", *topic, "only this topic's")
      .Runs([&invocation, topic] { return Finish(invocation, Watch(invocation, *topic)); });
}

}  // namespace tidemark::cli
