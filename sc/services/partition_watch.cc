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
    v1::Partition& gone = pending_.emplace_back();
    gone.set_id(tombstone.id.value());
    gone.set_topic(tombstone.topic);
    gone.set_reason("deleted");
  }
  Flush();
}

void PartitionWatch::OnStopping() {
  End({grpc::StatusCode::UNAVAILABLE, "the controller is stopping"});
}

void PartitionWatch::Flush() {
  if (!writable()) return;
  if (pending_.empty() && (first_ || !dirty_.empty())) {
    const auto look = [&](const PartitionRecord& partition) {
      if (!topic_.empty() && partition.topic != topic_) return;
      v1::Partition view = ViewPartition(controller_.core(), partition);
      const std::size_t fingerprint = Fingerprint(view);
      const auto [sent, is_new] = sent_.try_emplace(partition.id, fingerprint);
      if (!is_new && sent->second == fingerprint) return;
      sent->second = fingerprint;
      pending_.push_back(std::move(view));
    };
    if (first_) {
      controller_.topics().VisitPartitions(look);
    } else {
      for (const base::Uuid& volume : dirty_) controller_.topics().VisitPartitionsOn(volume, look);
    }
    dirty_.clear();
  }
  if (pending_.empty() && !first_) return;
  first_ = false;
  v1::WatchPartitionsResponse response;
  const auto count = std::min(pending_.size(), kPartitionsPerMessage);
  for (std::size_t i = 0; i < count; ++i) {
    *response.add_partitions() = std::move(pending_[i]);
  }
  pending_.erase(pending_.begin(), std::next(pending_.begin(), static_cast<std::ptrdiff_t>(count)));
  Write(std::move(response));
}

}  // namespace tidemark::sc
