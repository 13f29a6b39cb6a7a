#include <chrono>
#include <memory>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/status_macros.h"
#include "cli/commands/commands.h"
#include "cli/commands/partition_table.h"
#include "cli/partition_lookup.h"
#include "cli/table.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Topic;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

struct CreateOptions {
  std::string name;
  std::int64_t partitions = 1;
  TimeSpan retention;
  ByteSize retention_bytes;
  ByteSize segment_bytes;
  TimeSpan segment_time;
  ByteSize batch_bytes_max;
  std::string on_full = "reject";
};

std::string LimitText(std::int64_t value, const std::string& text) {
  return value == 0 ? "-" : text;
}

std::string OnFullWord(sc::v1::OnFull on_full) {
  switch (on_full) {
    case sc::v1::ON_FULL_UNSPECIFIED:
    case sc::v1::ON_FULL_REJECT:
      return "reject";
    case sc::v1::ON_FULL_DROP_OLDEST:
      return "drop_oldest";
    default:
      return absl::StrFormat("unknown(%d)", static_cast<int>(on_full));
  }
}

std::string PolicyText(const sc::v1::TopicPolicy& policy, bool time) {
  if (time) {
    return LimitText(policy.retention_ms(),
                     base::FormatDuration(milliseconds(policy.retention_ms())));
  }
  return LimitText(policy.retention_bytes(), base::FormatByteSize(policy.retention_bytes()));
}

absl::Status Create(Invocation& invocation, const CreateOptions& options) {
  sc::v1::CreateTopicRequest request;
  request.set_name(options.name);
  request.set_partitions(static_cast<std::int32_t>(options.partitions));
  sc::v1::TopicPolicy& policy = *request.mutable_policy();
  policy.set_retention_ms(duration_cast<milliseconds>(options.retention.duration).count());
  policy.set_retention_bytes(options.retention_bytes.bytes);
  policy.set_segment_bytes(options.segment_bytes.bytes);
  policy.set_segment_ms(duration_cast<milliseconds>(options.segment_time.duration).count());
  policy.set_batch_bytes_max(options.batch_bytes_max.bytes);
  policy.set_on_full(options.on_full == "drop_oldest" ? sc::v1::ON_FULL_DROP_OLDEST
                                                      : sc::v1::ON_FULL_REJECT);
  TM_ASSIGN_OR_RETURN(const auto response, invocation.Controller().CreateTopic(request));
  if (invocation.output.json()) return invocation.output.PrintJson(response);
  invocation.output.Note(absl::StrFormat("created topic %s with %d partitions", options.name,
                                         response.partitions_size()));
  invocation.output.Print(PartitionTable(response.partitions()));
  return absl::OkStatus();
}

absl::Status ListTopics(Invocation& invocation) {
  TM_ASSIGN_OR_RETURN(const auto response, invocation.Controller().ListTopics());
  if (invocation.output.json()) return invocation.output.PrintJson(response);
  Table table({{"TOPIC"},
               {"PARTITIONS", Align::kRight},
               {"RETENTION", Align::kRight},
               {"RETENTION-SIZE", Align::kRight},
               {"ON-FULL"},
               {"CREATED"},
               {"STATE"}});
  for (const Topic& topic : response.topics()) {
    table.AddRow({topic.name(), std::to_string(topic.partitions()),
                  PolicyText(topic.policy(), true), PolicyText(topic.policy(), false),
                  OnFullWord(topic.policy().on_full()), TimeText(topic.created_unix_ms()),
                  topic.deleting() ? "deleting" : "ready"});
  }
  if (table.empty()) {
    invocation.output.Note("no topics yet (tidemark topic create NAME --partitions 4)");
  }
  invocation.output.Print(table);
  return absl::OkStatus();
}

absl::Status DescribeTopic(Invocation& invocation, const std::string& name) {
  TM_ASSIGN_OR_RETURN(const auto partitions, FindPartitions(invocation, name, std::nullopt));
  sc::v1::CreateTopicResponse described;  // a topic and its partitions: what create answers too
  TM_ASSIGN_OR_RETURN(const auto topics, invocation.Controller().ListTopics());
  for (const Topic& topic : topics.topics()) {
    if (topic.name() == name) *described.mutable_topic() = topic;
  }
  for (const auto& partition : partitions) *described.add_partitions() = partition;
  if (invocation.output.json()) return invocation.output.PrintJson(described);
  const sc::v1::TopicPolicy& policy = described.topic().policy();
  invocation.output.Print(absl::StrFormat(
      "Topic %s: %d partitions, created %s%s\n"
      "  retention %s, %s; segments %s, %s; on full: %s\n",
      name, described.topic().partitions(), TimeText(described.topic().created_unix_ms()),
      described.topic().deleting() ? ", being deleted" : "", PolicyText(policy, true),
      PolicyText(policy, false),
      LimitText(policy.segment_bytes(), base::FormatByteSize(policy.segment_bytes())),
      LimitText(policy.segment_ms(), base::FormatDuration(milliseconds(policy.segment_ms()))),
      OnFullWord(policy.on_full())));
  invocation.output.Print(PartitionTable(described.partitions()));
  return absl::OkStatus();
}

absl::Status Delete(Invocation& invocation, const std::string& name) {
  const auto deleted = invocation.Controller().DeleteTopic(name);
  if (absl::IsNotFound(deleted.status())) {
    // The lookup knows the nearest name.
    const auto looked_up = FindPartitions(invocation, name, std::nullopt);
    return looked_up.ok() ? deleted.status() : looked_up.status();
  }
  if (!deleted.ok()) return deleted.status();
  if (invocation.output.json()) return invocation.output.PrintJson(*deleted);
  invocation.output.Note(
      absl::StrFormat("deleted topic %s with %d partitions", name, deleted->partitions()));
  return absl::OkStatus();
}

}  // namespace

void AddTopicCommands(Command& root, Invocation& invocation) {
  Command topic = root.Sub("topic", "Create, list, describe, delete topics");
  const auto create = std::make_shared<CreateOptions>();
  topic.Sub("create", "Create a topic")
      .Example("tidemark topic create orders --partitions 4", "")
      .Example("tidemark topic create metrics --retention 7d --retention-bytes 10GiB",
               "what is older or more goes, also before the disk is full")
      .Positional("TOPIC", create->name, "letters, digits, . _ - ; at most 249")
      .Option("--partitions", create->partitions, {1, kIndexLimits.most}, "N", "how many (1)")
      .Option("--retention", create->retention, "records older than this go (never)")
      .Option("--retention-bytes", create->retention_bytes, "of each partition (no limit)")
      .Option("--segment-bytes", create->segment_bytes, "size of a segment (from the volume)")
      .Option("--segment-time", create->segment_time, "age at which a segment is closed")
      .Option("--batch-bytes-max", create->batch_bytes_max, "largest batch taken")
      .Choice("--on-full", create->on_full, {"reject", "drop_oldest"},
              "when the volume is full (reject)")
      .Runs([&invocation, create] { return Finish(invocation, Create(invocation, *create)); });
  topic.Sub("list", "List all topics").Example("tidemark topic list", "").Runs([&invocation] {
    return Finish(invocation, ListTopics(invocation));
  });
  const auto name = std::make_shared<std::string>();
  topic.Sub("describe", "Show one topic and its partitions")
      .Example("tidemark topic describe orders", "")
      .Positional("TOPIC", *name, "")
      .Runs([&invocation, name] { return Finish(invocation, DescribeTopic(invocation, *name)); });
  topic.Sub("delete", "Delete a topic and all its records")
      .Example("tidemark topic delete orders", "works on a full disk too, and frees its space")
      .Positional("TOPIC", *name, "")
      .Runs([&invocation, name] { return Finish(invocation, Delete(invocation, *name)); });
}

}  // namespace tidemark::cli
