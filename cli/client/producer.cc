#include "cli/client/producer.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "cli/client/partition_queue.h"
#include "cli/client/rpc_status.h"
#include "daemon/grpc_channel.h"
#include "tidemark/log/v1/log.grpc.pb.h"

namespace tidemark::client {
namespace {

using log::v1::AppendResult;
using log::v1::PartitionNotice;
using log::v1::ProduceRequest;
using log::v1::ProduceResponse;
using log::v1::ProduceService;
using log::v1::Refusal;

// Where the server gives no retry delay for a reason that passes.
constexpr std::chrono::milliseconds kRetryDelayDefault{100};

// These pass within moments; no person has to do anything.
bool PassesByItself(const Refusal& refusal) {
  return refusal.reason() == log::v1::REFUSAL_REASON_NO_STEP ||
         refusal.reason() == log::v1::REFUSAL_REASON_OVERLOADED;
}

Outcome OutcomeOf(std::uint64_t partition_id, OutgoingBatch batch, absl::Status status) {
  Outcome outcome;
  outcome.partition_id = partition_id;
  outcome.bytes = static_cast<std::int64_t>(batch.bytes.size());
  outcome.tags = std::move(batch.tags);
  outcome.status = std::move(status);
  return outcome;
}

}  // namespace

// One Produce stream: a thread that writes, a thread that reads, one mutex over the queues.
class Producer::Stream {
 public:
  Stream(const std::string& endpoint, const ProducerOptions& options, ProducerCallbacks callbacks)
      : options_(options),
        callbacks_(std::move(callbacks)),
        peer_{"SPU", endpoint, "is tidemark-spu running there?"},
        stub_(daemon::NewChannel(endpoint)) {}

  ~Stream() {
    Cancel();
    if (writer_.joinable()) writer_.join();
    if (reader_.joinable()) reader_.join();
  }

  absl::Status Start();
  absl::Status CheckSize(std::int64_t value_bytes);
  absl::Status Append(std::uint64_t partition_id, const OutgoingRecord& record, std::uint64_t tag);
  absl::Status Flush(base::Duration deadline);
  void Cancel();

 private:
  struct Outgoing {
    std::uint64_t partition_id = 0;
    ProduceRequest request;
  };

  void WriteLoop();
  void ReadLoop();
  // The next message that may go out, or nothing once the stream has ended.
  std::optional<Outgoing> NextToSend();
  std::optional<std::uint64_t> SendablePartition() TM_REQUIRES(mutex_);
  void Wait(base::MonotonicTime now) TM_REQUIRES(mutex_);
  void TakeResult(const AppendResult& result);
  void TakeNotice(const PartitionNotice& notice);
  bool Retries(const Refusal& refusal) const;
  void End(const absl::Status& status);
  bool Idle() TM_REQUIRES(mutex_);

  const ProducerOptions options_;
  const ProducerCallbacks callbacks_;
  const Peer peer_;
  const base::SystemClock clock_;
  ProduceService::Stub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<ProduceRequest, ProduceResponse>> call_;
  std::thread writer_;
  std::thread reader_;

  base::Mutex mutex_;
  base::CondVar changed_;
  std::map<std::uint64_t, PartitionQueue> queues_ TM_GUARDED_BY(mutex_);
  std::uint64_t last_served_ TM_GUARDED_BY(mutex_) = 0;
  std::uint64_t next_sequence_ TM_GUARDED_BY(mutex_) = 1;
  std::map<std::uint64_t, std::int64_t> in_flight_bytes_ TM_GUARDED_BY(mutex_);  // by sequence
  std::int64_t in_flight_bytes_total_ TM_GUARDED_BY(mutex_) = 0;
  // Outcomes whose callback is still running.
  int delivering_ TM_GUARDED_BY(mutex_) = 0;
  std::optional<log::v1::ProduceStarted> started_ TM_GUARDED_BY(mutex_);
  bool cancelled_ TM_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> ended_ TM_GUARDED_BY(mutex_);
};

absl::Status Producer::Stream::Start() {
  call_ = stub_.Produce(&context_);
  ProduceRequest first;
  first.mutable_start()->set_acks(options_.acks);
  first.mutable_start()->set_client(options_.client);
  call_->Write(first);  // a failure shows in the reader's Finish
  reader_ = std::thread([this] { ReadLoop(); });
  {
    base::MutexLock lock(mutex_);
    const base::MonotonicTime until = clock_.Now() + options_.connect_deadline;
    while (!started_ && !ended_ && clock_.Now() < until) {
      changed_.WaitFor(mutex_, until - clock_.Now());
    }
    if (ended_) return *ended_;
    if (!started_) {
      return absl::DeadlineExceededError(
          absl::StrFormat("SPU at %s did not open a produce stream in time", peer_.endpoint));
    }
  }
  writer_ = std::thread([this] { WriteLoop(); });
  return absl::OkStatus();
}

absl::Status Producer::Stream::CheckSize(std::int64_t value_bytes) {
  base::MutexLock lock(mutex_);
  const std::int64_t limit = started_ ? started_->batch_bytes_max() : 0;
  // 1 KiB for the batch's header and the record's own fields.
  if (limit == 0 || value_bytes <= limit - 1024) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "record of %d bytes is too large: the SPU takes batches up to %d bytes", value_bytes, limit));
}

absl::Status Producer::Stream::Append(std::uint64_t partition_id, const OutgoingRecord& record,
                                      std::uint64_t tag) {
  TM_RETURN_IF_ERROR(CheckSize(static_cast<std::int64_t>(record.value.size())));
  base::MutexLock lock(mutex_);
  const std::int64_t limit = started_ ? started_->batch_bytes_max() : 0;
  const std::int64_t batch_bytes =
      limit > 0 ? std::min(limit, options_.batch_bytes) : options_.batch_bytes;
  while (true) {
    if (ended_) return *ended_;
    PartitionQueue& queue =
        queues_.try_emplace(partition_id, options_.pipeline_depth).first->second;
    if (queue.Add(record, tag, batch_bytes)) break;
    changed_.Wait(mutex_);
  }
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status Producer::Stream::Flush(base::Duration deadline) {
  base::MutexLock lock(mutex_);
  const base::MonotonicTime until = clock_.Now() + deadline;
  while (!Idle()) {
    if (clock_.Now() >= until) {
      return absl::DeadlineExceededError(
          absl::StrFormat("%d batches still unanswered after %d ms", in_flight_bytes_.size(),
                          std::chrono::duration_cast<std::chrono::milliseconds>(deadline).count()));
    }
    changed_.WaitFor(mutex_, until - clock_.Now());
  }
  if (ended_ && !cancelled_) return *ended_;
  return absl::OkStatus();
}

bool Producer::Stream::Idle() {
  return delivering_ == 0 &&
         std::ranges::all_of(queues_, [](const auto& entry) { return entry.second.empty(); });
}

void Producer::Stream::Cancel() {
  {
    base::MutexLock lock(mutex_);
    cancelled_ = true;
  }
  context_.TryCancel();
}

std::optional<std::uint64_t> Producer::Stream::SendablePartition() {
  const base::MonotonicTime now = clock_.Now();
  const std::int64_t room_bytes = started_->outstanding_bytes_max() > 0
                                      ? started_->outstanding_bytes_max() - in_flight_bytes_total_
                                      : INT64_MAX;
  // Alone, a batch may always go: else one above the window would wait for ever.
  const bool alone = in_flight_bytes_.empty();
  const auto fits = [&](const PartitionQueue& queue) {
    return queue.Sendable(now) && (alone || queue.NextBytes() <= room_bytes);
  };
  // In turn, from the one after the last: a busy partition must not starve the others.
  auto start = queues_.upper_bound(last_served_);
  for (auto it = start; it != queues_.end(); ++it) {
    if (fits(it->second)) return it->first;
  }
  for (auto it = queues_.begin(); it != start; ++it) {
    if (fits(it->second)) return it->first;
  }
  return std::nullopt;
}

void Producer::Stream::Wait(base::MonotonicTime now) {
  std::optional<base::MonotonicTime> next;
  for (const auto& [id, queue] : queues_) {
    const auto until = queue.blocked_until();
    if (until && *until > now && (!next || *until < *next)) next = until;
  }
  if (next) {
    changed_.WaitFor(mutex_, *next - now);
  } else {
    changed_.Wait(mutex_);
  }
}

std::optional<Producer::Stream::Outgoing> Producer::Stream::NextToSend() {
  base::MutexLock lock(mutex_);
  while (true) {
    if (ended_) return std::nullopt;
    if (const auto partition = SendablePartition()) {
      PartitionQueue& queue = queues_.at(*partition);
      const std::uint64_t sequence = next_sequence_++;
      const OutgoingBatch& batch = queue.Take(sequence);
      last_served_ = *partition;
      in_flight_bytes_[sequence] = static_cast<std::int64_t>(batch.bytes.size());
      in_flight_bytes_total_ += static_cast<std::int64_t>(batch.bytes.size());
      Outgoing outgoing{*partition, {}};
      log::v1::Append& append = *outgoing.request.mutable_append();
      append.set_sequence(sequence);
      append.set_partition_id(*partition);
      append.set_batch(reinterpret_cast<const char*>(batch.bytes.data()), batch.bytes.size());
      changed_.NotifyAll();  // a sealed place is free
      return outgoing;
    }
    Wait(clock_.Now());
  }
}

void Producer::Stream::WriteLoop() {
  while (const auto outgoing = NextToSend()) {
    // On failure the reader's Finish says why and ends everything.
    if (!call_->Write(outgoing->request)) return;
  }
}

void Producer::Stream::ReadLoop() {
  ProduceResponse response;
  while (call_->Read(&response)) {
    if (response.has_started()) {
      base::MutexLock lock(mutex_);
      started_ = response.started();
      changed_.NotifyAll();
    }
    for (const AppendResult& result : response.results()) TakeResult(result);
    if (response.has_notice()) TakeNotice(response.notice());
  }
  const grpc::Status status = call_->Finish();
  End(status.ok() ? absl::UnavailableError(
                        absl::StrFormat("SPU at %s ended the produce stream", peer_.endpoint))
                  : StatusOf(status, context_, peer_));
}

bool Producer::Stream::Retries(const Refusal& refusal) const {
  if (PassesByItself(refusal)) return true;
  return options_.wait_when_refused && refusal.retry_delay_ms() > 0;
}

void Producer::Stream::TakeResult(const AppendResult& result) {
  Outcome outcome;
  {
    base::MutexLock lock(mutex_);
    const auto bytes = in_flight_bytes_.find(result.sequence());
    const auto queue = queues_.find(result.partition_id());
    if (bytes == in_flight_bytes_.end() || queue == queues_.end()) return;
    in_flight_bytes_total_ -= bytes->second;
    in_flight_bytes_.erase(bytes);
    if (result.has_refusal() && Retries(result.refusal())) {
      const auto delay = result.refusal().retry_delay_ms() > 0
                             ? std::chrono::milliseconds(result.refusal().retry_delay_ms())
                             : kRetryDelayDefault;
      queue->second.Refuse(result.sequence(), clock_.Now() + delay);
      changed_.NotifyAll();
      return;
    }
    auto batch = queue->second.Finish(result.sequence());
    if (!batch) return;
    outcome = OutcomeOf(result.partition_id(), *std::move(batch),
                        result.has_refusal() ? StatusOf(result.refusal()) : absl::OkStatus());
    ++delivering_;
  }
  outcome.base_offset = result.has_base_offset() ? result.base_offset() : -1;
  outcome.durable_end = result.durable_end();
  if (result.has_refusal()) outcome.refusal = result.refusal();
  if (callbacks_.on_outcome) callbacks_.on_outcome(outcome);
  base::MutexLock lock(mutex_);
  --delivering_;
  changed_.NotifyAll();
}

void Producer::Stream::TakeNotice(const PartitionNotice& notice) {
  if (!notice.blocked()) {
    base::MutexLock lock(mutex_);
    const auto queue = queues_.find(notice.partition_id());
    if (queue != queues_.end()) queue->second.Unblock();
    changed_.NotifyAll();
  }
  if (callbacks_.on_notice) callbacks_.on_notice(notice);
}

void Producer::Stream::End(const absl::Status& status) {
  std::vector<Outcome> unknown;
  {
    base::MutexLock lock(mutex_);
    ended_ = status;
    for (auto& [partition_id, queue] : queues_) {
      for (OutgoingBatch& batch : queue.Drain()) {
        unknown.push_back(OutcomeOf(partition_id, std::move(batch), status));
      }
    }
    ++delivering_;
  }
  for (const Outcome& outcome : unknown) {
    if (callbacks_.on_outcome) callbacks_.on_outcome(outcome);
  }
  base::MutexLock lock(mutex_);
  --delivering_;
  changed_.NotifyAll();
}

Producer::Producer(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}
Producer::~Producer() = default;

absl::StatusOr<std::unique_ptr<Producer>> Producer::Connect(const std::string& endpoint,
                                                            const ProducerOptions& options,
                                                            ProducerCallbacks callbacks) {
  auto stream = std::make_unique<Stream>(endpoint, options, std::move(callbacks));
  TM_RETURN_IF_ERROR(stream->Start());
  return std::unique_ptr<Producer>(new Producer(std::move(stream)));
}

absl::Status Producer::CheckSize(std::int64_t value_bytes) const {
  return stream_->CheckSize(value_bytes);
}

absl::Status Producer::Append(std::uint64_t partition_id, const OutgoingRecord& record,
                              std::uint64_t tag) {
  return stream_->Append(partition_id, record, tag);
}
absl::Status Producer::Flush(base::Duration deadline) { return stream_->Flush(deadline); }
void Producer::Cancel() { stream_->Cancel(); }

}  // namespace tidemark::client
