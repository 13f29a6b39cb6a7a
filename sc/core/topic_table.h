// Which topics and partitions there are, who leads them, and what their SPUs have acknowledged.
//
// Pure. A change is planned here, made durable by the owner, and then applied, or abandoned if it
// could not be stored: nothing is shown before it is durable. What is planned holds its name, its
// ids and its room meanwhile, so that several changes may be on their way at once.
//
// A partition id is never used twice, also after a delete and a restart. A partition never changes
// its volume. Absence never deletes: a deleted partition becomes a tombstone that lives until its
// SPU has acknowledged it. The name of a deleted topic is free again at once.
//
// Lifetime:  value type.
// Threading: confined to the loop.
// Errors:    kInvalidArgument bad name, count or policy; kAlreadyExists; kNotFound;
//            kFailedPrecondition: a change of this topic is not durable yet.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/uuid.h"
#include "sc/core/assignment_source.h"
#include "sc/core/placement.h"
#include "sc/core/records.h"

namespace tidemark::sc {

inline constexpr std::int32_t kTopicPartitionLimit = 4096;

class TopicTable final : public AssignmentSource {
 public:
  explicit TopicTable(const StoreContents& contents);

  // What can be told before placement.
  absl::Status CheckCreate(std::string_view name, std::int32_t partitions,
                           const v1::TopicPolicy& policy) const;
  // `choices`: one per partition, from PlacePartitions().
  absl::StatusOr<StoreBatch> PlanCreate(const std::string& name, const v1::TopicPolicy& policy,
                                        const std::vector<PlacementChoice>& choices,
                                        base::WallMillis wall);
  absl::StatusOr<StoreBatch> PlanDelete(const std::string& name, base::WallMillis wall);
  // The batch could not be stored: as if it had never been planned, but its ids stay used.
  void Abandon(const StoreBatch& batch);

  v1::Assignments AssignmentsOf(const std::string& spu_id) const override;
  StoreBatch RowsOf(const std::string& spu_id, const v1::AssignmentsAck& ack,
                    base::WallMillis wall) const override;
  void Apply(const StoreBatch& batch) override;
  bool KnowsPartition(base::PartitionId id) const override {
    return partitions_.contains(id) || tombstones_.contains(id);
  }
  const PartitionRecord* FindPartition(base::PartitionId id) const override;
  std::string NameOf(base::PartitionId id) const override;
  void VisitPartitions(const std::function<void(const PartitionRecord&)>& visit) const override;

  // The durable partitions of one volume, in the order of their ids.
  void VisitPartitionsOn(const base::Uuid& volume,
                         const std::function<void(const PartitionRecord&)>& visit) const;

  // Durable ones, and after them what still waits for tombstones to be acknowledged.
  std::vector<v1::Topic> Topics() const;
  std::size_t tombstones() const { return tombstones_.size(); }
  // Also those that are planned.
  std::int64_t PartitionsOn(const base::Uuid& volume) const;
  // SPUs that must hear of `batch`.
  std::set<std::string> SpusOf(const StoreBatch& batch) const;
  // SPUs that refused a partition: the reason may have gone (no room, a hold).
  std::set<std::string> SpusThatRefused() const;

 private:
  struct TopicEntry {
    TopicRecord record;
    std::map<std::int32_t, base::PartitionId> partitions;
  };

  using Ids = std::set<base::PartitionId>;

  void Forget(const StoreBatch& batch);
  std::optional<PartitionRecord> Answered(const std::string& spu_id,
                                          const v1::AssignmentResult& result,
                                          base::WallMillis wall) const;

  std::map<std::string, TopicEntry, std::less<>> topics_;
  std::map<base::PartitionId, PartitionRecord> partitions_;
  std::map<base::PartitionId, Tombstone> tombstones_;
  // Where partitions_ are, so that an SPU's return does not walk through the whole fleet's.
  std::map<std::string, Ids, std::less<>> ids_of_spu_;
  std::map<base::Uuid, Ids> ids_on_volume_;
  std::map<base::Uuid, std::int64_t> partitions_on_;  // planned ones too

  std::set<std::string, std::less<>> topics_on_their_way_;
  std::set<base::PartitionId> deletes_on_their_way_;
  base::PartitionId newest_partition_id_;
  std::uint64_t version_ = 1;
};

}  // namespace tidemark::sc
