#include "tests/integration/story/produce_call.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <deque>
#include <utility>

#include "daemon/grpc_channel.h"
#include "tests/support/await.h"
#include "tests/support/sample_batch.h"
#include "tidemark/log/v1/log.grpc.pb.h"

namespace tidemark::story {

namespace log_pb = tidemark::log::v1;

class ProduceCall::Stream {
 public:
  Stream(const std::string& endpoint, std::uint64_t partition)
      : partition_(partition),
        stub_(log_pb::ProduceService::NewStub(daemon::NewChannel(endpoint))) {
    context_.set_deadline(std::chrono::system_clock::now() + 3 * support::kLongWait);
    stream_ = stub_->Produce(&context_);
    log_pb::ProduceRequest request;
    request.mutable_start()->set_acks(log_pb::ACKS_DURABLE);
    stream_->Write(request);  // what went wrong is seen by the reads
  }
  ~Stream() { context_.TryCancel(); }

  log_pb::AppendResult Append() {
    log_pb::ProduceRequest request;
    request.mutable_append()->set_partition_id(partition_);
    request.mutable_append()->set_batch(
        support::AsText(support::MakeBatch({.records = 100, .value_bytes = 1000}).bytes()));
    if (!stream_->Write(request)) return {};
    while (results_.empty() && Read()) {
    }
    if (results_.empty()) return {};
    log_pb::AppendResult result = std::move(results_.front());
    results_.pop_front();
    return result;
  }
  bool Read() {
    log_pb::ProduceResponse response;
    if (!stream_->Read(&response)) return false;
    for (const auto& result : response.results()) results_.push_back(result);
    if (response.has_notice()) notice_ = response.notice();
    return true;
  }
  const log_pb::PartitionNotice& notice() const { return notice_; }

  absl::Status Finish() {
    stream_->WritesDone();
    while (Read()) {
    }
    const grpc::Status status = stream_->Finish();
    return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
  }

 private:
  const std::uint64_t partition_;
  std::unique_ptr<log_pb::ProduceService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<log_pb::ProduceRequest, log_pb::ProduceResponse>>
      stream_;
  std::deque<log_pb::AppendResult> results_;
  log_pb::PartitionNotice notice_;  // not blocked, until told
};

ProduceCall::ProduceCall(const std::string& endpoint, std::uint64_t partition)
    : stream_(std::make_unique<Stream>(endpoint, partition)) {}

ProduceCall::~ProduceCall() = default;

log_pb::AppendResult ProduceCall::Append() { return stream_->Append(); }

absl::Status ProduceCall::AwaitNotice(bool blocked) {
  while (stream_->notice().blocked() != blocked && stream_->Read()) {
  }
  if (stream_->notice().blocked() == blocked) return absl::OkStatus();
  return absl::UnavailableError("the stream has ended, and the newest notice is: " +
                                stream_->notice().ShortDebugString());
}

const log_pb::PartitionNotice& ProduceCall::newest_notice() const { return stream_->notice(); }

absl::Status ProduceCall::Finish() { return stream_->Finish(); }

}  // namespace tidemark::story
