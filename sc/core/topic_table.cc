#include "sc/core/topic_table.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "sc/core/short_text.h"
#include "sc/core/topic_name.h"

namespace tidemark::sc {
namespace {

constexpr std::size_t kDetailBytes = 16 * 1024;  // a path or two

absl::Status CheckPolicy(std::string_view topic, const v1::TopicPolicy& policy) {
  const struct {
    const char* name;
    std::int64_t value;
  } fields[] = {{"retention_ms", policy.retention_ms()},
                {"retention_bytes", policy.retention_bytes()},
                {"segment_bytes", policy.segment_bytes()},
                {"segment_ms", policy.segment_ms()},
                {"batch_bytes_max", policy.batch_bytes_max()}};
  for (const auto& field : fields) {
    if (field.value < 0) {
      return absl::InvalidArgumentError(
          absl::StrFormat("create topic '%s' refused: %s = %d", topic, field.name, field.value));
    }
    if (std::string_view(field.name).ends_with("_ms") && field.value > base::kCenturyMillis) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "create topic '%s' refused: %s = %d is more than a century (%d); 0 is without a limit",
          topic, field.name, field.value, base::kCenturyMillis));
    }
  }
  if (!v1::OnFull_IsValid(policy.on_full())) {
    return absl::InvalidArgumentError(absl::StrFormat("create topic '%s' refused: on_full = %d",
                                                      topic, static_cast<int>(policy.on_full())));
  }
  return absl::OkStatus();
}

v1::Assignment ToAssignment(const PartitionRecord& partition, const TopicRecord& topic) {
  v1::Assignment assignment;
  assignment.set_partition_id(partition.id.value());
  assignment.set_topic(partition.topic);
  assignment.set_partition(partition.index);
  const auto& volume = partition.volume.bytes();
  assignment.set_volume(volume.data(), volume.size());
  assignment.set_spec_version(partition.spec_version);
  *assignment.mutable_policy() = topic.policy;
  assignment.set_taken_before(partition.acked_version != 0);
  return assignment;
}

}  // namespace

TopicTable::TopicTable(const StoreContents& contents)
    : newest_partition_id_(contents.newest_partition_id) {
  StoreBatch all;
  all.topics = contents.topics;
  all.partitions = contents.partitions;
  all.tombstones = contents.tombstones;
  for (const PartitionRecord& partition : contents.partitions) {
    ++partitions_on_[partition.volume];
    version_ = std::max(version_, partition.spec_version);
  }
  Apply(all);
}

absl::Status TopicTable::CheckCreate(std::string_view name, std::int32_t partitions,
                                     const v1::TopicPolicy& policy) const {
  TM_RETURN_IF_ERROR(CheckTopicName(name));
  if (partitions < 1 || partitions > kTopicPartitionLimit) {
    return absl::InvalidArgumentError(
        absl::StrFormat("create topic '%s' refused: %d partitions, 1 to %d are possible", name,
                        partitions, kTopicPartitionLimit));
  }
  TM_RETURN_IF_ERROR(CheckPolicy(name, policy));
  if (topics_on_their_way_.contains(name)) {
    return absl::FailedPreconditionError(
        absl::StrFormat("create topic '%s' refused: another change of it is being stored", name));
  }
  if (topics_.contains(name)) {
    return absl::AlreadyExistsError(
        absl::StrFormat("create topic '%s' refused: it exists already", name));
  }
  return absl::OkStatus();
}

absl::StatusOr<StoreBatch> TopicTable::PlanCreate(const std::string& name,
                                                  const v1::TopicPolicy& policy,
                                                  const std::vector<PlacementChoice>& choices,
                                                  base::WallMillis wall) {
  const auto count = static_cast<std::int32_t>(
      std::min<std::size_t>(choices.size(), kTopicPartitionLimit + std::size_t{1}));
  TM_RETURN_IF_ERROR(CheckCreate(name, count, policy));
  StoreBatch batch;
  TopicRecord topic{.name = name, .partitions = count, .policy = policy, .created_unix_ms = wall};
  if (topic.policy.on_full() == v1::ON_FULL_UNSPECIFIED) {
    topic.policy.set_on_full(v1::ON_FULL_REJECT);
  }
  batch.topics.push_back(std::move(topic));
  ++version_;
  for (std::int32_t index = 0; index < count; ++index) {
    const PlacementChoice& choice = choices[static_cast<std::size_t>(index)];
    PartitionRecord partition;
    partition.id = ++newest_partition_id_;
    partition.topic = name;
    partition.index = index;
    partition.spu_id = choice.spu_id;
    partition.volume = choice.volume;
    partition.spec_version = version_;
    partition.created_unix_ms = wall;
    ++partitions_on_[choice.volume];
    batch.partitions.push_back(std::move(partition));
  }
  batch.newest_partition_id = newest_partition_id_;
  topics_on_their_way_.insert(name);
  return batch;
}

absl::StatusOr<StoreBatch> TopicTable::PlanDelete(const std::string& name, base::WallMillis wall) {
  if (topics_on_their_way_.contains(name)) {
    return absl::FailedPreconditionError(
        absl::StrFormat("delete topic '%s' refused: another change of it is being stored", name));
  }
  const auto topic = topics_.find(name);
  if (topic == topics_.end()) {
    return absl::NotFoundError(absl::StrFormat("delete topic '%s' refused: there is none", name));
  }
  StoreBatch batch;
  batch.deleted_topics.push_back(name);
  for (const auto& [index, id] : topic->second.partitions) {
    const PartitionRecord& partition = partitions_.at(id);
    batch.deleted_partitions.push_back(id);
    batch.tombstones.push_back({.id = id,
                                .spu_id = partition.spu_id,
                                .volume = partition.volume,
                                .topic = name,
                                .created_unix_ms = wall});
    deletes_on_their_way_.insert(id);
  }
  topics_on_their_way_.insert(name);
  return batch;
}

void TopicTable::Forget(const StoreBatch& batch) {
  for (const TopicRecord& topic : batch.topics) topics_on_their_way_.erase(topic.name);
  for (const std::string& name : batch.deleted_topics) topics_on_their_way_.erase(name);
  for (const base::PartitionId id : batch.deleted_partitions) deletes_on_their_way_.erase(id);
}

void TopicTable::Abandon(const StoreBatch& batch) {
  Forget(batch);
  for (const PartitionRecord& partition : batch.partitions) {
    if (!partitions_.contains(partition.id)) --partitions_on_[partition.volume];
  }
}

void TopicTable::Apply(const StoreBatch& batch) {
  Forget(batch);
  // An acknowledgement is no change of what shall be: it must not be sent round again.
  if (!batch.topics.empty() || !batch.deleted_topics.empty()) ++version_;
  for (const TopicRecord& topic : batch.topics) topics_[topic.name].record = topic;
  for (const PartitionRecord& partition : batch.partitions) {
    partitions_.insert_or_assign(partition.id, partition);
    topics_[partition.topic].partitions[partition.index] = partition.id;
    ids_of_spu_[partition.spu_id].insert(partition.id);
    ids_on_volume_[partition.volume].insert(partition.id);
  }
  for (const base::PartitionId id : batch.deleted_partitions) {
    const auto found = partitions_.find(id);
    if (found == partitions_.end()) continue;
    --partitions_on_[found->second.volume];
    ids_of_spu_[found->second.spu_id].erase(id);
    ids_on_volume_[found->second.volume].erase(id);
    partitions_.erase(found);
  }
  for (const std::string& name : batch.deleted_topics) topics_.erase(name);
  for (const Tombstone& tombstone : batch.tombstones) {
    tombstones_.insert_or_assign(tombstone.id, tombstone);
  }
  for (const base::PartitionId id : batch.deleted_tombstones) tombstones_.erase(id);
}

v1::Assignments TopicTable::AssignmentsOf(const std::string& spu_id) const {
  v1::Assignments all;
  all.set_version(version_);
  all.set_full(true);
  if (const auto ids = ids_of_spu_.find(spu_id); ids != ids_of_spu_.end()) {
    for (const base::PartitionId id : ids->second) {
      const PartitionRecord& partition = partitions_.at(id);
      *all.add_partitions() = ToAssignment(partition, topics_.at(partition.topic).record);
    }
  }
  for (const auto& [id, tombstone] : tombstones_) {
    if (tombstone.spu_id == spu_id) all.add_tombstones(id.value());
  }
  return all;
}

std::optional<PartitionRecord> TopicTable::Answered(const std::string& spu_id,
                                                    const v1::AssignmentResult& result,
                                                    base::WallMillis wall) const {
  const auto found = partitions_.find(base::PartitionId(result.partition_id()));
  // Another SPU's, an older spec's, or about to be deleted: nothing to learn.
  if (found == partitions_.end() || found->second.spu_id != spu_id ||
      found->second.spec_version != result.spec_version() ||
      deletes_on_their_way_.contains(found->first)) {
    return std::nullopt;
  }
  const PartitionRecord& known = found->second;
  PartitionRecord updated = known;
  if (result.ok()) {
    updated.acked_version = updated.spec_version;
    updated.refusal = v1::ASSIGNMENT_REFUSAL_UNSPECIFIED;
    updated.refusal_detail.clear();
  } else {
    const bool named = result.refusal() != v1::ASSIGNMENT_REFUSAL_UNSPECIFIED;
    updated.refusal = named ? result.refusal() : v1::ASSIGNMENT_REFUSAL_OTHER;
    updated.refusal_detail =
        result.detail().empty() ? "no reason given" : ShortText(result.detail(), kDetailBytes);
  }
  if (updated.acked_version == known.acked_version && updated.refusal == known.refusal &&
      updated.refusal_detail == known.refusal_detail) {
    return std::nullopt;
  }
  // Refused for the same reason with other numbers, it is refused since the first time.
  if (result.ok() || updated.refusal != known.refusal) updated.acked_unix_ms = wall;
  return updated;
}

StoreBatch TopicTable::RowsOf(const std::string& spu_id, const v1::AssignmentsAck& ack,
                              base::WallMillis wall) const {
  StoreBatch batch;
  std::set<std::uint64_t> seen;  // a key stands in a batch once; the first answer counts
  for (const v1::AssignmentResult& result : ack.results()) {
    if (!seen.insert(result.partition_id()).second) continue;
    if (result.tombstone()) {
      const auto found = tombstones_.find(base::PartitionId(result.partition_id()));
      if (result.ok() && found != tombstones_.end() && found->second.spu_id == spu_id) {
        batch.deleted_tombstones.push_back(found->first);
      }
    } else if (auto updated = Answered(spu_id, result, wall); updated.has_value()) {
      batch.partitions.push_back(*std::move(updated));
    }
  }
  return batch;
}

const PartitionRecord* TopicTable::FindPartition(base::PartitionId id) const {
  const auto found = partitions_.find(id);
  return found == partitions_.end() ? nullptr : &found->second;
}

std::string TopicTable::NameOf(base::PartitionId id) const {
  const auto found = partitions_.find(id);
  if (found == partitions_.end()) return "";
  return absl::StrFormat("%s/%d", found->second.topic, found->second.index);
}

void TopicTable::VisitPartitions(const std::function<void(const PartitionRecord&)>& visit) const {
  for (const auto& [name, topic] : topics_) {
    for (const auto& [index, id] : topic.partitions) visit(partitions_.at(id));
  }
}

void TopicTable::VisitPartitionsOn(const base::Uuid& volume,
                                   const std::function<void(const PartitionRecord&)>& visit) const {
  const auto ids = ids_on_volume_.find(volume);
  if (ids == ids_on_volume_.end()) return;
  for (const base::PartitionId id : ids->second) visit(partitions_.at(id));
}

std::vector<v1::Topic> TopicTable::Topics() const {
  std::vector<v1::Topic> all;
  for (const auto& [name, topic] : topics_) {
    v1::Topic& shown = all.emplace_back();
    shown.set_name(name);
    shown.set_partitions(topic.record.partitions);
    *shown.mutable_policy() = topic.record.policy;
    shown.set_created_unix_ms(topic.record.created_unix_ms);
  }
  std::map<std::string, std::int32_t> waiting;
  for (const auto& [id, tombstone] : tombstones_) ++waiting[tombstone.topic];
  for (const auto& [name, partitions] : waiting) {
    v1::Topic& shown = all.emplace_back();
    shown.set_name(name);
    shown.set_partitions(partitions);
    shown.set_deleting(true);
  }
  return all;
}

std::int64_t TopicTable::PartitionsOn(const base::Uuid& volume) const {
  const auto found = partitions_on_.find(volume);
  return found == partitions_on_.end() ? 0 : found->second;
}

std::set<std::string> TopicTable::SpusOf(const StoreBatch& batch) const {
  std::set<std::string> spus;
  for (const PartitionRecord& partition : batch.partitions) spus.insert(partition.spu_id);
  for (const Tombstone& tombstone : batch.tombstones) spus.insert(tombstone.spu_id);
  return spus;
}

std::set<std::string> TopicTable::SpusThatRefused() const {
  std::set<std::string> spus;
  for (const auto& [id, partition] : partitions_) {
    if (partition.refusal != v1::ASSIGNMENT_REFUSAL_UNSPECIFIED) spus.insert(partition.spu_id);
  }
  return spus;
}

}  // namespace tidemark::sc
