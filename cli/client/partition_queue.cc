#include "cli/client/partition_queue.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"
#include "storage/codec/record.h"

namespace tidemark::client {
namespace {

// What a record adds to a batch at most beside its key and value: varints, and a little.
constexpr std::int64_t kRecordOverheadBytes = 64;

std::span<const std::byte> BytesOf(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

}  // namespace

bool PartitionQueue::Add(const OutgoingRecord& record, std::uint64_t tag,
                         std::int64_t batch_bytes) {
  const auto bytes =
      static_cast<std::int64_t>(record.value.size() + (record.key ? record.key->size() : 0)) +
      kRecordOverheadBytes;
  const auto gathered = static_cast<std::int64_t>(gathering_.size_bytes());
  if (!gathering_.empty() && gathered + bytes > batch_bytes) {
    if (!sealed_.empty()) return false;
    Seal();
  }
  storage::Record stored;
  stored.timestamp = record.timestamp;
  if (record.key) stored.key = BytesOf(*record.key);
  stored.value = BytesOf(record.value);
  gathering_.Add(stored);
  gathering_tags_.push_back(tag);
  return true;
}

bool PartitionQueue::Sendable(base::MonotonicTime now) const {
  if (blocked_until_ && now < *blocked_until_) return false;
  // What was refused is sent again alone, so that nothing newer can overtake it.
  if (!refused_.empty()) return in_flight_.empty();
  if (static_cast<int>(in_flight_.size()) >= pipeline_depth_) return false;
  return !sealed_.empty() || !gathering_.empty();
}

std::int64_t PartitionQueue::NextBytes() const {
  if (!refused_.empty()) return static_cast<std::int64_t>(refused_.front().bytes.size());
  if (!sealed_.empty()) return static_cast<std::int64_t>(sealed_.front().bytes.size());
  return static_cast<std::int64_t>(gathering_.size_bytes());
}

const OutgoingBatch& PartitionQueue::Take(std::uint64_t sequence) {
  blocked_until_.reset();
  if (!refused_.empty()) {
    in_flight_.push_back({sequence, std::move(refused_.front())});
    refused_.pop_front();
    return in_flight_.back().batch;
  }
  if (sealed_.empty()) Seal();
  in_flight_.push_back({sequence, std::move(sealed_.front())});
  sealed_.pop_front();
  return in_flight_.back().batch;
}

std::optional<OutgoingBatch> PartitionQueue::Finish(std::uint64_t sequence) {
  const auto found = std::ranges::find(in_flight_, sequence, &InFlight::sequence);
  if (found == in_flight_.end()) return std::nullopt;
  OutgoingBatch batch = std::move(found->batch);
  in_flight_.erase(found);
  return batch;
}

void PartitionQueue::Refuse(std::uint64_t sequence, base::MonotonicTime until) {
  auto batch = Finish(sequence);
  if (!batch) return;
  const auto place = std::ranges::upper_bound(refused_, batch->order, {}, &OutgoingBatch::order);
  refused_.insert(place, *std::move(batch));
  blocked_until_ = until;
}

std::vector<OutgoingBatch> PartitionQueue::Drain() {
  std::vector<OutgoingBatch> left;
  if (!gathering_.empty()) Seal();
  for (InFlight& entry : in_flight_) left.push_back(std::move(entry.batch));
  for (OutgoingBatch& batch : refused_) left.push_back(std::move(batch));
  for (OutgoingBatch& batch : sealed_) left.push_back(std::move(batch));
  in_flight_.clear();
  refused_.clear();
  sealed_.clear();
  std::ranges::sort(left, {}, &OutgoingBatch::order);
  blocked_until_.reset();
  return left;
}

bool PartitionQueue::empty() const {
  return gathering_.empty() && sealed_.empty() && in_flight_.empty() && refused_.empty();
}

void PartitionQueue::Seal() {
  TM_CHECK(!gathering_.empty());
  sealed_.push_back({next_order_++, gathering_.Build(), std::exchange(gathering_tags_, {})});
}

}  // namespace tidemark::client
