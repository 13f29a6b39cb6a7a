#include <memory>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cli/commands/commands.h"
#include "cli/commands/explain.h"
#include "cli/commands/partition_advice.h"
#include "cli/commands/partition_table.h"
#include "cli/partition_lookup.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Partition;

// The SC is left out: what one SPU says, which knows nothing of status or reach.
absl::Status ListLocal(Invocation& invocation, const std::string& topic) {
  TM_ASSIGN_OR_RETURN(auto local, invocation.Spu(invocation.spu).ListLocalPartitions());
  if (!topic.empty()) {
    auto& all = *local.mutable_partitions();
    all.erase(std::remove_if(all.begin(), all.end(),
                             [&](const auto& partition) { return partition.topic() != topic; }),
              all.end());
  }
  if (invocation.output.json()) return invocation.output.PrintJson(local);
  Table table({{"TOPIC"},
               {"PARTITION", Align::kRight},
               {"ACCEPTING"},
               {"CLAIMED"},
               {"SIZE", Align::kRight},
               {"LOG-START", Align::kRight},
               {"HIGH-WATERMARK", Align::kRight},
               {"VOLUME"},
               {"WHY"}});
  for (const auto& partition : local.partitions()) {
    table.AddRow(
        {partition.topic(),
         std::to_string(partition.index()),
         {partition.accepting() ? "yes" : "no", partition.accepting() ? Color::kGood : Color::kBad},
         partition.unclaimed() ? "no" : "yes",
         SizeText(partition.size_bytes()),
         std::to_string(partition.log_start()),
         std::to_string(partition.durable_end()),
         partition.volume(),
         partition.why().message()});
  }
  invocation.output.Print(table);
  return absl::OkStatus();
}

absl::Status ListPartitions(Invocation& invocation, const std::string& topic) {
  if (!invocation.spu.empty()) return ListLocal(invocation, topic);
  sc::v1::ListPartitionsResponse response;
  if (topic.empty()) {
    TM_ASSIGN_OR_RETURN(response, invocation.Controller().ListPartitions(""));
  } else {
    TM_ASSIGN_OR_RETURN(const auto found, FindPartitions(invocation, topic, std::nullopt));
    for (const Partition& partition : found) *response.add_partitions() = partition;
  }
  if (invocation.output.json()) return invocation.output.PrintJson(response);
  invocation.output.Print(PartitionTable(response.partitions()));
  return absl::OkStatus();
}

std::string Described(const Partition& partition) {
  std::string text =
      absl::StrFormat("Partition %s (id %d)\n", PartitionName(partition.topic(), partition.index()),
                      partition.id());
  const auto line = [&text](const char* name, const std::string& value) {
    text += absl::StrFormat("  %-16s %s\n", name, value);
  };
  line("status", absl::StrFormat("%s since %s", StatusWord(partition.status()),
                                 TimeText(partition.since_unix_ms())));
  if (!partition.reason().empty()) line("reason", partition.reason());
  line("reachable", ReachableText(partition.reachable(), partition.reachable_since_unix_ms()));
  if (partition.episode() > 0) line("episode", std::to_string(partition.episode()));
  if (partition.bytes_short() > 0) line("short of", ExactBytes(partition.bytes_short()));
  line("leader", absl::StrFormat("%s at %s", partition.leader(), partition.endpoint()));
  line("volume", partition.volume());
  line("size", ExactBytes(partition.size_bytes()));
  line("offsets", absl::StrFormat("%d to %d", partition.log_start(), partition.high_watermark()));
  line("assignment",
       absl::StrFormat("version %d, %s", partition.spec_version(), AssignmentText(partition)));
  if (const std::string advice = AdviceFor(partition, partition.volume()); !advice.empty()) {
    line("next", advice);
  }
  return text;
}

absl::Status DescribePartition(Invocation& invocation, const std::string& name) {
  TM_ASSIGN_OR_RETURN(const TopicPartition wanted, ParsePartitionName(name));
  TM_ASSIGN_OR_RETURN(const auto found, FindPartitions(invocation, wanted.topic, wanted.index));
  if (invocation.output.json()) return invocation.output.PrintJson(found.front());
  invocation.output.out() << Described(found.front());
  return absl::OkStatus();
}

}  // namespace

void AddPartitionCommands(Command& root, Invocation& invocation) {
  Command partition = root.Sub("partition", "Where partitions are and how they are");
  const auto name = std::make_shared<std::string>();
  partition.Sub("list", "List partitions with their status")
      .Example("tidemark partition list", "")
      .Example("tidemark partition list orders -o json", "")
      .Example("tidemark partition list --spu 10.0.0.7:7201",
               "what one SPU holds, also while the SC is away")
      .OptionalPositional("TOPIC", *name, "only this topic's")
      .Runs([&invocation, name] { return Finish(invocation, ListPartitions(invocation, *name)); });
  partition.Sub("describe", "Show one partition with its whole reason")
      .Example("tidemark partition describe orders/3", "")
      .Positional("TOPIC/PARTITION", *name, "")
      .Runs(
          [&invocation, name] { return Finish(invocation, DescribePartition(invocation, *name)); });
  partition.Sub("explain", "Why is it not Online, and what exactly must be done")
      .Example("tidemark partition explain orders/3", "by itself, its SPU and its volume")
      .Positional("TOPIC/PARTITION", *name, "")
      .Runs(
          [&invocation, name] { return Finish(invocation, ExplainPartition(invocation, *name)); });
}

}  // namespace tidemark::cli
