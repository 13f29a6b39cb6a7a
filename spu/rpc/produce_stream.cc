#include "spu/rpc/produce_stream.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "storage/codec/batch_codec.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;

constexpr std::size_t kOutstandingBytesMax = 8 * 1024 * 1024;
// Small batches are bounded by their number: each costs more than its bytes until it is answered.
constexpr std::size_t kOutstandingBatchesMax = 16 * 1024;
// Answered, but not yet taken by the producer.
constexpr std::size_t kUnreadResultBytesMax = 2 * ResultQueue::kMessageBytes;

// Why an arrived batch is no good, told apart by what the producer has to mend.
Refusal RefuseBatch(const absl::Status& status, std::size_t bytes, std::int64_t limit_bytes) {
  if (std::cmp_greater(bytes, limit_bytes)) {
    return MakeRefusal(log_pb::REFUSAL_REASON_BATCH_TOO_LARGE,
                       absl::StrFormat("append refused: batch of %d bytes, at most %d allowed",
                                       bytes, limit_bytes));
  }
  const bool checksum = absl::StrContains(
      status.message(), std::string(storage::FaultName(storage::BatchFault::kCrc)));
  return MakeRefusal(
      checksum ? log_pb::REFUSAL_REASON_BATCH_CHECKSUM : log_pb::REFUSAL_REASON_BATCH_MALFORMED,
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

void ProduceStream::OnMessage(log_pb::ProduceRequest&& message) {
  switch (message.message_case()) {
    case log_pb::ProduceRequest::kStart:
      if (started_) {
        return End({grpc::StatusCode::INVALID_ARGUMENT, "produce refused: a second start"});
      }
      Start(message.start());
      break;
    case log_pb::ProduceRequest::kAppend:
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

void ProduceStream::Start(const log_pb::ProduceStart& start) {
  started_ = true;
  acks_ = start.acks() == log_pb::ACKS_WRITTEN ? Acks::kWritten : Acks::kDurable;
  greeting_.emplace();
  greeting_->set_batch_bytes_max(host_.LimitsOf(base::PartitionId(0)).batch_bytes_max);
  greeting_->set_outstanding_bytes_max(static_cast<std::int64_t>(kOutstandingBytesMax));
  Flush();
}

void ProduceStream::Append(log_pb::Append&& append) {
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
    host_.OnAppendRefused(*refused.refusal);
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
  log_pb::AppendResult out;
  out.set_sequence(sequence);
  out.set_partition_id(partition.value());
  out.set_durable_end(result.durable_end.value());
  if (result.refusal.has_value()) {
    *out.mutable_refusal() = *std::move(result.refusal);
  } else {
    out.set_base_offset(result.base_offset.value());
    out.set_records(static_cast<std::int32_t>(result.records));
  }
  results_.Add(std::move(out));
  Flush();
  ReadOn();
  EndIfDone();
}

void ProduceStream::WatchGate(base::PartitionId partition) {
  // Of a partition that is not here there is nothing to watch, and no end to their ids.
  if (gates_.contains(partition) || !host_.OffsetsOf(partition).has_value()) return;
  gates_.emplace(partition, host_.OnGate(partition, [this, partition](std::optional<Refusal> why) {
    log_pb::PartitionNotice notice;
    notice.set_partition_id(partition.value());
    notice.set_blocked(why.has_value());
    if (why.has_value()) *notice.mutable_why() = *std::move(why);
    notices_[partition] = std::move(notice);
    Flush();
  }));
}

void ProduceStream::Flush() {
  if (!writable()) return;
  if (!greeting_ && notices_.empty() && results_.empty()) return EndIfDone();
  log_pb::ProduceResponse message;
  if (greeting_) *message.mutable_started() = *std::exchange(greeting_, std::nullopt);
  if (!notices_.empty()) {
    *message.mutable_notice() = std::move(notices_.begin()->second);
    notices_.erase(notices_.begin());
  }
  results_.Fill(message);
  Write(std::move(message));
  ReadOn();
}

void ProduceStream::EndIfDone() {
  const bool all_told = !greeting_ && notices_.empty() && results_.empty();
  if (outstanding_ > 0 || !all_told || !writable()) return;
  if (draining_) End({grpc::StatusCode::UNAVAILABLE, "the SPU is shutting down"});
  if (reads_done_) End(grpc::Status::OK);
}

void ProduceStream::OnReadsDone() {
  reads_done_ = true;
  EndIfDone();
}

bool ProduceStream::MayReadOn() const {
  return !draining_ && outstanding_bytes_ <= kOutstandingBytesMax &&
         outstanding_ <= kOutstandingBatchesMax && results_.bytes() <= kUnreadResultBytesMax;
}

void ProduceStream::ReadOn() {
  if (MayReadOn()) ReadNext();
}

void ProduceStream::Drain() {
  draining_ = true;
  EndIfDone();
}

}  // namespace tidemark::spu
