#include "spu/rpc/produce_stream.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "storage/codec/batch_codec.h"

namespace tidemark::spu {
namespace {

namespace pb = tidemark::log::v1;

constexpr std::size_t kOutstandingBytesMax = 8 * 1024 * 1024;

// Why an arrived batch is no good, told apart by what the producer has to mend.
Refusal RefuseBatch(const absl::Status& status, std::size_t bytes, std::int64_t limit_bytes) {
  if (std::cmp_greater(bytes, limit_bytes)) {
    return MakeRefusal(pb::REFUSAL_REASON_BATCH_TOO_LARGE,
                       absl::StrFormat("append refused: batch of %d bytes, at most %d allowed",
                                       bytes, limit_bytes));
  }
  const bool checksum = absl::StrContains(
      status.message(), std::string(storage::FaultName(storage::BatchFault::kCrc)));
  return MakeRefusal(
      checksum ? pb::REFUSAL_REASON_BATCH_CHECKSUM : pb::REFUSAL_REASON_BATCH_MALFORMED,
      absl::StrFormat("append refused: %s", status.message()));
}

}  // namespace

ProduceStream::ProduceStream(daemon::EventLoop& loop, PartitionHost& host, StreamRegistry& registry)
    : LoopStream(loop), host_(host), registry_(registry) {}

void ProduceStream::OnOpened() {
  registry_.Add(this);
  if (registry_.draining()) return Drain();
  ReadNext();
}

void ProduceStream::OnClosed() {
  registry_.Remove(this);
  gates_.clear();
}

void ProduceStream::OnMessage(pb::ProduceRequest&& message) {
  switch (message.message_case()) {
    case pb::ProduceRequest::kStart:
      if (started_) {
        return End({grpc::StatusCode::INVALID_ARGUMENT, "produce refused: a second start"});
      }
      Start(message.start());
      break;
    case pb::ProduceRequest::kAppend:
      if (!started_) {
        return End({grpc::StatusCode::INVALID_ARGUMENT, "produce refused: append before start"});
      }
      Append(std::move(*message.mutable_append()));
      break;
    default:
      return End({grpc::StatusCode::INVALID_ARGUMENT, "produce refused: an empty message"});
  }
  ReadOn();
}

void ProduceStream::Start(const pb::ProduceStart& start) {
  started_ = true;
  acks_ = start.acks() == pb::ACKS_WRITTEN ? Acks::kWritten : Acks::kDurable;
  auto& started = *pending_.mutable_started();
  started.set_batch_bytes_max(host_.LimitsOf(base::PartitionId(0)).batch_bytes_max);
  started.set_outstanding_bytes_max(static_cast<std::int64_t>(kOutstandingBytesMax));
  has_pending_ = true;
  Flush();
}

void ProduceStream::Append(pb::Append&& append) {
  const base::PartitionId partition(append.partition_id());
  const std::uint64_t sequence = append.sequence();
  auto batch = storage::Buffer::Take(std::move(*append.mutable_batch()));
  const std::size_t bytes = batch.size();
  ++outstanding_;
  outstanding_bytes_ += bytes;

  const storage::BatchLimits limits = host_.LimitsOf(partition);
  auto header = storage::CheckArrivedBatch(batch.bytes(), limits);
  if (!header.ok()) {
    AppendResult refused;
    refused.refusal = RefuseBatch(header.status(), bytes, limits.batch_bytes_max);
    return Answer(sequence, partition, bytes, std::move(refused));
  }
  WatchGate(partition);
  host_.Append({partition, acks_, *header, std::move(batch),
                [this, guard = alive(), sequence, partition, bytes](AppendResult result) {
                  if (guard.expired()) return;
                  Answer(sequence, partition, bytes, std::move(result));
                }});
}

void ProduceStream::Answer(std::uint64_t sequence, base::PartitionId partition, std::size_t bytes,
                           AppendResult result) {
  --outstanding_;
  outstanding_bytes_ -= bytes;
  pb::AppendResult& out = *pending_.add_results();
  out.set_sequence(sequence);
  out.set_partition_id(partition.value());
  out.set_durable_end(result.durable_end.value());
  if (result.refusal.has_value()) {
    *out.mutable_refusal() = *std::move(result.refusal);
  } else {
    out.set_base_offset(result.base_offset.value());
    out.set_records(static_cast<std::int32_t>(result.records));
  }
  has_pending_ = true;
  Flush();
  ReadOn();
  EndIfDone();
}

void ProduceStream::WatchGate(base::PartitionId partition) {
  if (gates_.contains(partition)) return;
  gates_.emplace(partition, host_.OnGate(partition, [this, partition](std::optional<Refusal> why) {
    pb::PartitionNotice notice;
    notice.set_partition_id(partition.value());
    notice.set_blocked(why.has_value());
    if (why.has_value()) *notice.mutable_why() = *std::move(why);
    notices_[partition] = std::move(notice);
    Flush();
  }));
}

void ProduceStream::Flush() {
  if (!writable()) return;
  if (!notices_.empty()) {
    *pending_.mutable_notice() = std::move(notices_.begin()->second);
    notices_.erase(notices_.begin());
    has_pending_ = true;
  }
  if (has_pending_) {
    has_pending_ = false;
    Write(std::exchange(pending_, {}));
    return;
  }
  EndIfDone();
}

void ProduceStream::EndIfDone() {
  if (outstanding_ > 0 || has_pending_ || !notices_.empty() || !writable()) return;
  if (draining_) End({grpc::StatusCode::UNAVAILABLE, "the SPU is shutting down"});
  if (reads_done_) End(grpc::Status::OK);
}

void ProduceStream::OnReadsDone() {
  reads_done_ = true;
  EndIfDone();
}

void ProduceStream::ReadOn() {
  if (!draining_ && outstanding_bytes_ <= kOutstandingBytesMax) ReadNext();
}

void ProduceStream::Drain() {
  draining_ = true;
  EndIfDone();
}

}  // namespace tidemark::spu
