#include "spu/rpc/consume_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;

constexpr std::int64_t kReadBytesMax = 1024 * 1024;
// A consumer cannot ask us to promise more than this.
constexpr std::int64_t kCreditBytesMax = 64 * 1024 * 1024;

}  // namespace

ConsumeStream::ConsumeStream(daemon::EventLoop& loop, PartitionHost& host, StreamRegistry& registry)
    : LoopStream(loop), host_(host), registry_(registry) {}

void ConsumeStream::OnOpened() {
  registry_.Add(this);
  if (registry_.draining()) return Drain();
  ReadNext();
}

void ConsumeStream::OnClosed() {
  registry_.Remove(this);
  advance_.Cancel();
}

void ConsumeStream::OnMessage(log_pb::ConsumeRequest&& message) {
  switch (message.message_case()) {
    case log_pb::ConsumeRequest::kStart:
      if (started_) {
        return End({grpc::StatusCode::INVALID_ARGUMENT, "consume refused: a second start"});
      }
      Start(message.start());
      break;
    case log_pb::ConsumeRequest::kCredits:
      if (message.credits().bytes() < 0) {
        return End({grpc::StatusCode::INVALID_ARGUMENT,
                    absl::StrFormat("consume refused: %d credits", message.credits().bytes())});
      }
      credit_bytes_ = std::min(
          kCreditBytesMax, credit_bytes_ + std::min(kCreditBytesMax, message.credits().bytes()));
      break;
    default:
      return End({grpc::StatusCode::INVALID_ARGUMENT, "consume refused: an empty message"});
  }
  ReadNext();
  Pump();
}

void ConsumeStream::Start(const log_pb::ConsumeStart& start) {
  partition_ = base::PartitionId(start.partition_id());
  isolation_ =
      start.isolation() == log_pb::ISOLATION_WRITTEN ? Isolation::kWritten : Isolation::kDurable;
  until_end_ = start.until_end();
  credit_bytes_ = std::clamp<std::int64_t>(start.credit_bytes(), 0, kCreditBytesMax);
  started_ = true;
  const auto offsets = host_.OffsetsOf(partition_);
  if (!offsets.has_value()) return RefuseHere(host_.WhyNotHere(partition_));
  const base::Offset end =
      isolation_ == Isolation::kWritten ? offsets->written_end : offsets->durable_end;
  switch (start.from_case()) {
    case log_pb::ConsumeStart::kOffset:
      return BeginAt(base::Offset(start.offset()));
    case log_pb::ConsumeStart::kLatest:
      return BeginAt(end);
    case log_pb::ConsumeStart::kTimeUnixMs:
      return host_.OffsetForTime(partition_, start.time_unix_ms(),
                                 [this, guard = alive()](absl::StatusOr<base::Offset> offset) {
                                   if (guard.expired() || ending()) return;
                                   if (!offset.ok())
                                     return RefuseHere(RefusalOfStatus(offset.status()));
                                   BeginAt(*offset);
                                 });
    default:
      return BeginAt(offsets->log_start);
  }
}

void ConsumeStream::BeginAt(base::Offset offset) {
  const auto offsets = host_.OffsetsOf(partition_);
  if (!offsets.has_value()) return RefuseHere(host_.WhyNotHere(partition_));
  const base::Offset end =
      isolation_ == Isolation::kWritten ? offsets->written_end : offsets->durable_end;
  if (offset < offsets->log_start || offset > end) {
    Refusal refusal =
        MakeRefusal(log_pb::REFUSAL_REASON_OFFSET_OUT_OF_RANGE,
                    absl::StrFormat("offset %d is outside the log: it starts at %d and ends at %d",
                                    offset.value(), offsets->log_start.value(), end.value()));
    refusal.set_log_start(offsets->log_start.value());
    refusal.set_log_end(end.value());
    return RefuseHere(std::move(refusal));
  }
  next_ = offset;
  positioned_ = true;
  advance_ = host_.OnAdvance(partition_, [this] {
    advanced_ = true;
    told_caught_up_ = false;
    Pump();
  });
  log_pb::ConsumeResponse response;
  response.mutable_started()->set_offset(next_.value());
  response.mutable_started()->set_log_start(offsets->log_start.value());
  response.mutable_started()->set_durable_end(offsets->durable_end.value());
  if (writable()) Write(std::move(response));
}

// Found here, before anything was read: else the host counts it.
void ConsumeStream::RefuseHere(Refusal refusal) {
  host_.OnReadRefused(refusal);
  Refuse(std::move(refusal));
}

// A refusal on a consume stream is its last message.
void ConsumeStream::Refuse(Refusal refusal) {
  advance_.Cancel();
  positioned_ = false;
  end_when_written_ = true;
  log_pb::ConsumeResponse response;
  *response.mutable_refusal() = std::move(refusal);
  if (writable()) Write(std::move(response));
}

void ConsumeStream::OnWritable() {
  if (end_when_written_) return End(grpc::Status::OK);
  Pump();
}

void ConsumeStream::Pump() {
  if (!positioned_ || reading_log_ || !writable() || credit_bytes_ <= 0) return;
  if (told_caught_up_ && !advanced_) return;
  reading_log_ = true;
  advanced_ = false;
  host_.Read({partition_, next_, std::min(kReadBytesMax, credit_bytes_), isolation_,
              [this, guard = alive()](ReadResult result) {
                if (guard.expired()) return;
                reading_log_ = false;
                if (!ending()) OnRead(std::move(result));
              }});
}

void ConsumeStream::OnRead(ReadResult result) {
  if (result.refusal.has_value()) return Refuse(*std::move(result.refusal));
  if (result.records.empty()) return AtEnd();
  next_ = result.next;
  // A single batch may be larger than what is left; it is sent whole, and the debt is paid first.
  credit_bytes_ -= static_cast<std::int64_t>(result.records.size());
  log_pb::ConsumeResponse response;
  log_pb::Batches& batches = *response.mutable_batches();
  batches.set_durable_end(result.durable_end.value());
  batches.set_log_start(result.log_start.value());
  batches.set_records(result.records.data(), result.records.size());
  if (writable()) Write(std::move(response));
}

void ConsumeStream::AtEnd() {
  if (advanced_) return Pump();
  if (until_end_) return End(grpc::Status::OK);
  if (told_caught_up_) return;
  told_caught_up_ = true;
  log_pb::ConsumeResponse response;
  response.mutable_caught_up()->set_offset(next_.value());
  if (writable()) Write(std::move(response));
}

// The consumer will send no more credits: what it has is what it gets.
void ConsumeStream::OnReadsDone() { Pump(); }

void ConsumeStream::Drain() { End({grpc::StatusCode::UNAVAILABLE, "the SPU is shutting down"}); }

}  // namespace tidemark::spu
