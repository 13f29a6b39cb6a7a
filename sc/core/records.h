// The rows the controller keeps, and the batch that changes them in one transaction.
//
// What is here survives a restart; reach, leases and offsets do not and are nowhere here.
//
// Lifetime:  value types.
// Threading: none of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/uuid.h"
#include "tidemark/sc/v1/admin.pb.h"
#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::sc {

struct ClusterRecord {
  base::Uuid cluster_id;
  // Raised by a restore from a backup, so that SPUs see that this store went back in time.
  std::uint64_t store_epoch = 0;
};

// Key: id. `boot_count`, `boot_nonce`, `attempt` are those of the newest Hello ever taken.
struct SpuRecord {
  std::string id;
  base::Uuid uuid;
  std::uint64_t boot_count = 0;
  std::uint64_t boot_nonce = 0;
  std::uint64_t attempt = 0;
  base::SessionId session;
  std::string grpc_endpoint;
  std::string http_endpoint;
  std::string version;
  // Set by `tidemark spu replace`: the next Hello of another uuid takes the id over. One of this
  // uuid withdraws it.
  bool replace_allowed = false;
  base::WallMillis registered_unix_ms = 0;
};

// Key: uuid. `accepted` is the last report accepted, whole: generation 0 means none yet.
struct VolumeRecord {
  base::Uuid uuid;
  std::string spu_id;
  std::string path;
  v1::Report accepted;
  base::WallMillis accepted_unix_ms = 0;
};

// Key: name.
struct TopicRecord {
  std::string name;
  std::int32_t partitions = 0;
  v1::TopicPolicy policy;
  base::WallMillis created_unix_ms = 0;
};

// Key: id.
struct PartitionRecord {
  base::PartitionId id;
  std::string topic;
  std::int32_t index = 0;
  std::string spu_id;
  base::Uuid volume;
  std::uint64_t spec_version = 0;
  // Newest spec version the SPU has ever taken; 0: none. A later refusal leaves it: what was taken
  // once has data that must be there.
  std::uint64_t acked_version = 0;
  v1::AssignmentRefusal refusal = v1::ASSIGNMENT_REFUSAL_UNSPECIFIED;
  std::string refusal_detail;
  base::WallMillis created_unix_ms = 0;
  // When the SPU took it, or refused it for this reason: numbers in the detail may be newer.
  base::WallMillis acked_unix_ms = 0;

  bool acked() const {
    return acked_version != 0 && acked_version == spec_version &&
           refusal == v1::ASSIGNMENT_REFUSAL_UNSPECIFIED;
  }
};

// Key: id. Kept until the SPU says that the partition is deleted.
struct Tombstone {
  base::PartitionId id;
  std::string spu_id;
  base::Uuid volume;
  std::string topic;
  base::WallMillis created_unix_ms = 0;
};

// Key: number. History is bounded by the store.
using EventRecord = v1::Event;

// Applied in ONE transaction, in any order within it: no key is in it twice.
struct StoreBatch {
  std::optional<base::SessionId> session;                // newest minted
  std::optional<base::PartitionId> newest_partition_id;  // newest minted
  std::vector<SpuRecord> spus;
  std::vector<VolumeRecord> volumes;
  std::vector<TopicRecord> topics;
  std::vector<std::string> deleted_topics;
  std::vector<PartitionRecord> partitions;
  std::vector<base::PartitionId> deleted_partitions;
  std::vector<Tombstone> tombstones;
  std::vector<base::PartitionId> deleted_tombstones;
  std::vector<EventRecord> events;

  bool empty() const {
    return !session && !newest_partition_id && spus.empty() && volumes.empty() && topics.empty() &&
           deleted_topics.empty() && partitions.empty() && deleted_partitions.empty() &&
           tombstones.empty() && deleted_tombstones.empty() && events.empty();
  }
};

// Everything there is, as read at start.
struct StoreContents {
  ClusterRecord cluster;
  base::SessionId session;
  base::PartitionId newest_partition_id;
  std::uint64_t newest_event_number = 0;
  std::vector<SpuRecord> spus;
  std::vector<VolumeRecord> volumes;
  std::vector<TopicRecord> topics;
  std::vector<PartitionRecord> partitions;
  std::vector<Tombstone> tombstones;
};

}  // namespace tidemark::sc
