// A store that commits when the test says so, and forgets at a crash what it had not committed.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>

#include "sc/core/assignment_source.h"
#include "sc/core/effect.h"

namespace tidemark::sc {

class SimStore {
 public:
  StoreContents contents;
  std::deque<Persist> queue;
  std::vector<EventRecord> events;

  // Commits the oldest batch and returns its token.
  StoreToken Commit() {
    Persist next = std::move(queue.front());
    queue.pop_front();
    Apply(next.batch);
    return next.token;
  }
  StoreToken Drop() {
    const StoreToken token = queue.front().token;
    queue.pop_front();
    return token;
  }
  void Crash() { queue.clear(); }

 private:
  template <typename Row, typename Key>
  static void Upsert(std::vector<Row>& rows, const Row& row, Key Row::*key) {
    for (Row& known : rows) {
      if (known.*key == row.*key) {
        known = row;
        return;
      }
    }
    rows.push_back(row);
  }

  void Apply(const StoreBatch& batch) {
    if (batch.session) contents.session = *batch.session;
    for (const SpuRecord& row : batch.spus) Upsert(contents.spus, row, &SpuRecord::id);
    for (const VolumeRecord& row : batch.volumes) {
      Upsert(contents.volumes, row, &VolumeRecord::uuid);
    }
    for (const PartitionRecord& row : batch.partitions) {
      Upsert(contents.partitions, row, &PartitionRecord::id);
    }
    for (const EventRecord& row : batch.events) {
      contents.newest_event_number = std::max(contents.newest_event_number, row.number());
      events.push_back(row);
    }
  }
};

// Partitions that are there from the start; only their acknowledgement changes.
class FixedAssignments : public AssignmentSource {
 public:
  explicit FixedAssignments(std::vector<PartitionRecord> partitions)
      : partitions_(std::move(partitions)) {}

  v1::Assignments AssignmentsOf(const std::string& spu_id) const override {
    v1::Assignments assignments;
    assignments.set_version(1);
    assignments.set_full(true);
    for (const PartitionRecord& partition : partitions_) {
      if (partition.spu_id != spu_id) continue;
      v1::Assignment* assignment = assignments.add_partitions();
      assignment->set_partition_id(partition.id.value());
      assignment->set_spec_version(partition.spec_version);
      assignment->set_volume(partition.volume.ToBytes());
    }
    return assignments;
  }

  StoreBatch RowsOf(const std::string& spu_id, const v1::AssignmentsAck& ack,
                    base::WallMillis wall) const override {
    StoreBatch batch;
    for (const v1::AssignmentResult& result : ack.results()) {
      for (const PartitionRecord& partition : partitions_) {
        if (partition.id.value() != result.partition_id() || partition.spu_id != spu_id) continue;
        PartitionRecord row = partition;
        row.refusal = result.refusal();
        row.refusal_detail = result.detail();
        if (result.ok()) row.acked_version = result.spec_version();
        if (row.acked_version == partition.acked_version && row.refusal == partition.refusal)
          continue;
        row.acked_unix_ms = wall;
        batch.partitions.push_back(row);
      }
    }
    return batch;
  }

  void Apply(const StoreBatch& batch) override {
    for (const PartitionRecord& row : batch.partitions) {
      for (PartitionRecord& partition : partitions_) {
        if (partition.id == row.id) partition = row;
      }
    }
  }

  bool KnowsPartition(base::PartitionId id) const override {
    return std::any_of(partitions_.begin(), partitions_.end(),
                       [id](const PartitionRecord& partition) { return partition.id == id; });
  }

  const PartitionRecord* FindPartition(base::PartitionId id) const override {
    const auto found = std::find_if(partitions_.begin(), partitions_.end(),
                                    [id](const PartitionRecord& one) { return one.id == id; });
    return found == partitions_.end() ? nullptr : &*found;
  }

  std::string NameOf(base::PartitionId id) const override {
    for (const PartitionRecord& partition : partitions_) {
      if (partition.id == id) return partition.topic + "/" + std::to_string(partition.index);
    }
    return "";
  }

  void VisitPartitions(const std::function<void(const PartitionRecord&)>& visit) const override {
    for (const PartitionRecord& partition : partitions_) visit(partition);
  }

  const std::vector<PartitionRecord>& partitions() const { return partitions_; }

 private:
  std::vector<PartitionRecord> partitions_;
};

}  // namespace tidemark::sc
