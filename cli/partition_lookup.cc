#include "cli/partition_lookup.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "daemon/nearest_name.h"

namespace tidemark::cli {
namespace {

using sc::v1::Partition;

absl::Status NoSuchTopic(const std::string& topic, const std::vector<std::string>& known) {
  if (const auto nearest = daemon::NearestName(topic, known)) {
    return absl::NotFoundError(
        absl::StrFormat("there is no topic '%s': did you mean '%s'?", topic, *nearest));
  }
  return absl::NotFoundError(
      absl::StrFormat("there is no topic '%s' (tidemark topic list shows those there are)", topic));
}

absl::StatusOr<std::vector<Partition>> FromController(const Invocation& invocation,
                                                      const std::string& topic) {
  const auto controller = invocation.Controller();
  auto listed = controller.ListPartitions(topic);
  if (listed.ok() && listed->partitions_size() > 0) {
    return std::vector<Partition>(listed->partitions().begin(), listed->partitions().end());
  }
  if (!listed.ok() && !absl::IsNotFound(listed.status())) return listed.status();
  std::vector<std::string> names;
  if (const auto topics = controller.ListTopics(); topics.ok()) {
    for (const auto& known : topics->topics()) names.push_back(known.name());
  }
  return NoSuchTopic(topic, names);
}

absl::StatusOr<std::vector<Partition>> FromSpu(const Invocation& invocation,
                                               const std::string& topic) {
  TM_ASSIGN_OR_RETURN(const auto local, invocation.Spu(invocation.spu).ListLocalPartitions());
  std::vector<Partition> all = FromLocal(local, invocation.spu);
  std::vector<std::string> names;
  for (const Partition& partition : all) names.push_back(partition.topic());
  std::erase_if(all, [&](const Partition& partition) { return partition.topic() != topic; });
  if (all.empty()) return NoSuchTopic(topic, names);
  return all;
}

}  // namespace

std::vector<Partition> FromLocal(const log::v1::ListLocalPartitionsResponse& local,
                                 const std::string& endpoint) {
  std::vector<Partition> partitions;
  for (const auto& from : local.partitions()) {
    Partition& partition = partitions.emplace_back();
    partition.set_id(from.id());
    partition.set_topic(from.topic());
    partition.set_index(from.index());
    partition.set_volume(from.volume());
    partition.set_endpoint(endpoint);
    partition.set_log_start(from.log_start());
    partition.set_high_watermark(from.durable_end());
    partition.set_size_bytes(from.size_bytes());
    partition.set_reason(from.why().message());
  }
  return partitions;
}

absl::StatusOr<std::vector<Partition>> FindPartitions(const Invocation& invocation,
                                                      const std::string& topic,
                                                      std::optional<std::int64_t> index) {
  TM_ASSIGN_OR_RETURN(auto partitions, invocation.spu.empty() ? FromController(invocation, topic)
                                                              : FromSpu(invocation, topic));
  std::ranges::sort(partitions, {}, &Partition::index);
  if (!index) return partitions;
  const auto count = partitions.size();
  std::erase_if(partitions, [&](const Partition& p) { return p.index() != *index; });
  if (partitions.empty()) {
    return absl::NotFoundError(
        absl::StrFormat("topic '%s' has no partition %d: it has %d", topic, *index, count));
  }
  return partitions;
}

absl::StatusOr<TopicPartition> ParsePartitionName(const std::string& text) {
  TopicPartition parsed;
  const auto slash = text.rfind('/');
  const char* const end = text.data() + text.size();
  if (slash != std::string::npos && slash > 0) {
    const auto [rest, error] = std::from_chars(text.data() + slash + 1, end, parsed.index);
    parsed.topic = text.substr(0, slash);
    if (error == std::errc() && rest == end && parsed.index >= 0) return parsed;
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s' is no partition: want TOPIC/NUMBER, such as orders/3", text));
}

}  // namespace tidemark::cli
