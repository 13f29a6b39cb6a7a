#include "cli/client/consumer.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <deque>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "cli/client/batch_decoder.h"
#include "cli/client/rpc_status.h"
#include "daemon/grpc_channel.h"
#include "tidemark/log/v1/log.grpc.pb.h"

namespace tidemark::client {
namespace {

using log::v1::ConsumeRequest;
using log::v1::ConsumeResponse;
using log::v1::ConsumeService;

ConsumeRequest StartOf(const ConsumerOptions& options) {
  ConsumeRequest request;
  log::v1::ConsumeStart& start = *request.mutable_start();
  start.set_partition_id(options.partition_id);
  switch (options.from.kind) {
    case StartAt::Kind::kEarliest:
      start.set_earliest(true);
      break;
    case StartAt::Kind::kLatest:
      start.set_latest(true);
      break;
    case StartAt::Kind::kOffset:
      start.set_offset(options.from.value);
      break;
    case StartAt::Kind::kTime:
      start.set_time_unix_ms(options.from.value);
      break;
  }
  start.set_isolation(options.isolation);
  start.set_credit_bytes(options.credit_bytes);
  start.set_until_end(options.until_end);
  return request;
}

}  // namespace

// A thread reads the stream into a queue that the credits bound; Next takes from it.
class Consumer::Stream {
 public:
  Stream(const std::string& endpoint, const ConsumerOptions& options)
      : options_(options),
        peer_{"SPU", endpoint, "is tidemark-spu running there?"},
        stub_(daemon::NewChannel(endpoint)) {}

  ~Stream() {
    Cancel();
    if (reader_.joinable()) reader_.join();
  }

  absl::Status Start();
  absl::StatusOr<ConsumerEvent> Next(base::Duration deadline);
  const log::v1::ConsumeStarted& started() const { return started_; }
  void Cancel() { context_.TryCancel(); }

 private:
  void ReadLoop();
  void Push(ConsumeResponse response);
  void End(absl::Status status);
  // Nothing: the server was done.
  absl::StatusOr<std::optional<ConsumeResponse>> Pop(base::Duration deadline);
  void ReturnCredits();
  absl::StatusOr<ConsumerEvent> EventOf(const ConsumeResponse& response);

  const ConsumerOptions options_;
  const Peer peer_;
  const base::SystemClock clock_;
  ConsumeService::Stub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<ConsumeRequest, ConsumeResponse>> call_;
  std::thread reader_;

  // Only the thread that calls Next.
  log::v1::ConsumeStarted started_;
  std::optional<BatchDecoder> decoder_;
  std::int64_t unreturned_credit_bytes_ = 0;

  base::Mutex mutex_;
  base::CondVar changed_;
  std::deque<ConsumeResponse> queue_ TM_GUARDED_BY(mutex_);
  std::optional<absl::Status> ended_ TM_GUARDED_BY(mutex_);  // OK: the server was done
};

absl::Status Consumer::Stream::Start() {
  call_ = stub_.Consume(&context_);
  call_->Write(StartOf(options_));  // a failure shows in the reader's Finish
  reader_ = std::thread([this] { ReadLoop(); });
  TM_ASSIGN_OR_RETURN(const auto first, Pop(options_.connect_deadline));
  if (first && first->has_refusal()) return StatusOf(first->refusal());
  if (!first || !first->has_started()) {
    return absl::InternalError(
        absl::StrFormat("SPU at %s began a consume stream without a start", peer_.endpoint));
  }
  started_ = first->started();
  decoder_.emplace(started_.offset());
  return absl::OkStatus();
}

void Consumer::Stream::ReadLoop() {
  ConsumeResponse response;
  while (call_->Read(&response)) Push(std::move(response));
  const grpc::Status status = call_->Finish();
  End(status.ok() ? absl::OkStatus() : StatusOf(status, context_, peer_));
}

void Consumer::Stream::Push(ConsumeResponse response) {
  {
    base::MutexLock lock(mutex_);
    queue_.push_back(std::move(response));
    changed_.NotifyAll();
  }
  if (options_.on_ready) options_.on_ready();
}

void Consumer::Stream::End(absl::Status status) {
  {
    base::MutexLock lock(mutex_);
    ended_ = std::move(status);
    changed_.NotifyAll();
  }
  if (options_.on_ready) options_.on_ready();
}

absl::StatusOr<std::optional<ConsumeResponse>> Consumer::Stream::Pop(base::Duration deadline) {
  base::MutexLock lock(mutex_);
  const base::MonotonicTime until = clock_.Now() + deadline;
  while (queue_.empty() && !ended_) {
    const base::Duration left = until - clock_.Now();
    if (left <= base::Duration::zero()) {
      return absl::DeadlineExceededError(
          absl::StrFormat("nothing came from SPU at %s in time", peer_.endpoint));
    }
    changed_.WaitFor(mutex_, left);
  }
  if (queue_.empty()) {
    if (ended_->ok()) return std::nullopt;
    return *ended_;
  }
  ConsumeResponse response = std::move(queue_.front());
  queue_.pop_front();
  return response;
}

void Consumer::Stream::ReturnCredits() {
  // In quarters of the window: not a message per batch, and never a stall.
  if (unreturned_credit_bytes_ < options_.credit_bytes / 4) return;
  ConsumeRequest request;
  request.mutable_credits()->set_bytes(std::exchange(unreturned_credit_bytes_, 0));
  call_->Write(request);  // a failure shows in the reader's Finish
}

absl::StatusOr<ConsumerEvent> Consumer::Stream::EventOf(const ConsumeResponse& response) {
  ConsumerEvent event;
  if (response.has_refusal()) return StatusOf(response.refusal());
  if (response.has_caught_up()) {
    event.kind = ConsumerEvent::Kind::kCaughtUp;
    event.next_offset = response.caught_up().offset();
    event.durable_end = event.next_offset;
    return event;
  }
  TM_ASSIGN_OR_RETURN(event.records, decoder_->Decode(response.batches().records()));
  event.next_offset = decoder_->next_offset();
  event.durable_end = response.batches().durable_end();
  unreturned_credit_bytes_ += static_cast<std::int64_t>(response.batches().records().size());
  return event;
}

absl::StatusOr<ConsumerEvent> Consumer::Stream::Next(base::Duration deadline) {
  ReturnCredits();
  TM_ASSIGN_OR_RETURN(const auto response, Pop(deadline));
  if (!response) {
    ConsumerEvent end;
    end.kind = ConsumerEvent::Kind::kEnd;
    end.next_offset = decoder_->next_offset();
    return end;
  }
  return EventOf(*response);
}

Consumer::Consumer(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}
Consumer::~Consumer() = default;

absl::StatusOr<std::unique_ptr<Consumer>> Consumer::Open(const std::string& endpoint,
                                                         const ConsumerOptions& options) {
  auto stream = std::make_unique<Stream>(endpoint, options);
  TM_RETURN_IF_ERROR(stream->Start());
  return std::unique_ptr<Consumer>(new Consumer(std::move(stream)));
}

absl::StatusOr<ConsumerEvent> Consumer::Next(base::Duration deadline) {
  return stream_->Next(deadline);
}
const log::v1::ConsumeStarted& Consumer::started() const { return stream_->started(); }
void Consumer::Cancel() { stream_->Cancel(); }

}  // namespace tidemark::client
