#include "sc/services/partition_watch.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "sc/core/view.h"

namespace tidemark::sc {
namespace {

constexpr std::size_t kPartitionsPerMessage = 1000;

// Sizes and offsets move all the time and are no news.
std::size_t Fingerprint(v1::Partition partition) {
  partition.clear_size_bytes();
  partition.clear_log_start();
  partition.clear_high_watermark();
  partition.clear_bytes_short();
  return std::hash<std::string>()(partition.SerializeAsString());
}

}  // namespace

void PartitionWatch::OnOpened() {
  controller_.watchers().Add(this);
  Flush();
}

void PartitionWatch::OnVolumesChanged(const std::vector<base::Uuid>& volumes) {
  dirty_.insert(volumes.begin(), volumes.end());
  Flush();
}

void PartitionWatch::OnPartitionsDeleted(std::span<const Tombstone> tombstones) {
  for (const Tombstone& tombstone : tombstones) {
    if (sent_.erase(tombstone.id) == 0) continue;
    v1::Partition& gone = gone_.emplace_back();
    gone.set_id(tombstone.id.value());
    gone.set_topic(tombstone.topic);
    gone.set_reason("deleted");
  }
  Flush();
}

void PartitionWatch::OnStopping() {
  End({grpc::StatusCode::UNAVAILABLE, "the controller is stopping"});
}

// As it is now, not as it was when it was found changed: that may be long ago.
void PartitionWatch::AddNow(base::PartitionId id, v1::WatchPartitionsResponse& response) {
  const PartitionRecord* partition = controller_.topics().FindPartition(id);
  if (partition == nullptr) return;
  v1::Partition view = ViewPartition(controller_.core(), *partition);
  sent_.insert_or_assign(id, Fingerprint(view));
  *response.add_partitions() = std::move(view);
}

void PartitionWatch::Flush() {
  if (!writable()) return;
  if (pending_.empty() && (first_ || !dirty_.empty())) {
    const auto look = [&](const PartitionRecord& partition) {
      if (!topic_.empty() && partition.topic != topic_) return;
      const auto sent = sent_.find(partition.id);
      const bool known = sent != sent_.end() &&
                         sent->second == Fingerprint(ViewPartition(controller_.core(), partition));
      if (!known) pending_.push_back(partition.id);
    };
    if (first_) {
      controller_.topics().VisitPartitions(look);
    } else {
      for (const base::Uuid& volume : dirty_) controller_.topics().VisitPartitionsOn(volume, look);
    }
    dirty_.clear();
  }
  if (pending_.empty() && gone_.empty() && !first_) return;
  first_ = false;
  v1::WatchPartitionsResponse response;
  for (v1::Partition& gone : gone_) *response.add_partitions() = std::move(gone);
  gone_.clear();
  const auto count = std::min(pending_.size(), kPartitionsPerMessage);
  for (std::size_t i = 0; i < count; ++i) AddNow(pending_[i], response);
  pending_.erase(pending_.begin(), std::next(pending_.begin(), static_cast<std::ptrdiff_t>(count)));
  Write(std::move(response));
}

}  // namespace tidemark::sc
