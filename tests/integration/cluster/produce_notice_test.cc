// One Produce stream through a whole episode: told when its partition stops, told when it goes on,
// never closed.
#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <deque>

#include "cli/client/spu_client.h"
#include "daemon/grpc_channel.h"
#include "tests/integration/cluster/cluster_fixture.h"
#include "tests/support/sample_batch.h"
#include "tidemark/log/v1/log.grpc.pb.h"

namespace tidemark::story {
namespace {

namespace log_pb = tidemark::log::v1;

// One stream as a client program sees it, message by message.
class ProduceCall {
 public:
  ProduceCall(const std::string& endpoint, std::uint64_t partition)
      : partition_(partition),
        stub_(log_pb::ProduceService::NewStub(daemon::NewChannel(endpoint))) {
    context_.set_deadline(std::chrono::system_clock::now() + 3 * support::kLongWait);
    stream_ = stub_->Produce(&context_);
    log_pb::ProduceRequest request;
    request.mutable_start()->set_acks(log_pb::ACKS_DURABLE);
    EXPECT_TRUE(stream_->Write(request));
  }
  ~ProduceCall() { context_.TryCancel(); }

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
  // Reads on until it is told so.
  testing::AssertionResult AwaitNotice(bool blocked) {
    while (notice_.blocked() != blocked && Read()) {
    }
    if (notice_.blocked() == blocked) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << "the stream has ended, and the newest notice is: " << notice_.ShortDebugString();
  }
  const log_pb::PartitionNotice& newest_notice() const { return notice_; }

  grpc::Status Finish() {
    stream_->WritesDone();
    while (Read()) {
    }
    return stream_->Finish();
  }

 private:
  bool Read() {
    log_pb::ProduceResponse response;
    if (!stream_->Read(&response)) return false;
    for (const auto& result : response.results()) results_.push_back(result);
    if (response.has_notice()) notice_ = response.notice();
    return true;
  }

  const std::uint64_t partition_;
  std::unique_ptr<log_pb::ProduceService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<log_pb::ProduceRequest, log_pb::ProduceResponse>>
      stream_;
  std::deque<log_pb::AppendResult> results_;
  log_pb::PartitionNotice notice_;  // not blocked, until told
};

class ProduceNoticeTest : public ClusterTest {
 protected:
  // On a machine that is busy elsewhere the agent may be blind for a moment: that passes.
  testing::AssertionResult AppendUntilAccepted(ProduceCall& call, log_pb::AppendResult& accepted) {
    return support::WaitFor(
        [&] {
          accepted = call.Append();
          return accepted.has_base_offset();
        },
        support::kLongWait, "an append to be accepted");
  }
};

TEST_F(ProduceNoticeTest, AStreamIsToldWhenItsPartitionStopsAndWhenItGoesOn) {
  if (stage_ == nullptr) return;
  const std::uint64_t partition = *stage_->full_partitions.begin();
  ProduceCall call(stage_->agent(), partition);
  log_pb::AppendResult result;
  for (int i = 0; i < 100; ++i) {  // 10 MB: more than a trim has to bring
    ASSERT_TRUE(AppendUntilAccepted(call, result)) << result.ShortDebugString();
  }
  std::int64_t end = result.durable_end();

  ASSERT_OK(stage_->neighbour->FillUntilLeft(base::kMiB));
  ASSERT_TRUE(call.AwaitNotice(true));
  EXPECT_EQ(call.newest_notice().partition_id(), partition);
  EXPECT_NE(call.newest_notice().why().reason(), log_pb::REFUSAL_REASON_UNSPECIFIED);
  ASSERT_TRUE(support::WaitFor(
      [&] {
        result = call.Append();
        if (result.has_base_offset()) end = result.durable_end();
        return result.refusal().reason() == log_pb::REFUSAL_REASON_OUT_OF_SPACE;
      },
      support::kLongWait, "an append to be refused for space"))
      << result.ShortDebugString();
  EXPECT_TRUE(call.newest_notice().blocked());

  ASSERT_OK(client::SpuClient(stage_->agent()).Trim(partition, end));
  ASSERT_TRUE(call.AwaitNotice(false));
  EXPECT_EQ(call.newest_notice().partition_id(), partition);
  EXPECT_FALSE(call.newest_notice().has_why());
  ASSERT_TRUE(AppendUntilAccepted(call, result)) << result.ShortDebugString();
  EXPECT_EQ(result.base_offset(), end);
  const grpc::Status status = call.Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

}  // namespace
}  // namespace tidemark::story
