// A consumer gets what it gave credits for and not a batch more, however fast it reads.
#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "cli/client/producer.h"
#include "daemon/grpc_channel.h"
#include "storage/codec/batch_codec.h"
#include "tests/integration/cluster/cluster_fixture.h"
#include "tests/support/sample_batch.h"
#include "tidemark/log/v1/log.grpc.pb.h"

namespace tidemark::story {
namespace {

namespace log_pb = tidemark::log::v1;

// Takes all that comes, in a thread of its own, and counts it.
class GreedyConsumer {
 public:
  GreedyConsumer(const std::string& endpoint, std::uint64_t partition, std::int64_t credit_bytes,
                 bool until_end)
      : stub_(log_pb::ConsumeService::NewStub(daemon::NewChannel(endpoint))) {
    context_.set_deadline(std::chrono::system_clock::now() + 3 * support::kLongWait);
    stream_ = stub_->Consume(&context_);
    log_pb::ConsumeRequest request;
    request.mutable_start()->set_partition_id(partition);
    request.mutable_start()->set_earliest(true);
    request.mutable_start()->set_credit_bytes(credit_bytes);
    request.mutable_start()->set_until_end(until_end);
    EXPECT_TRUE(stream_->Write(request));
    reading_ = std::thread([this] { ReadAll(); });
  }
  ~GreedyConsumer() {
    context_.TryCancel();
    if (reading_.joinable()) reading_.join();
  }

  void GiveCredits(std::int64_t bytes) {
    log_pb::ConsumeRequest request;
    request.mutable_credits()->set_bytes(bytes);
    EXPECT_TRUE(stream_->Write(request));
  }
  void WaitForEnd() { reading_.join(); }

  std::int64_t bytes() const { return bytes_; }
  std::int64_t largest_batch() const { return largest_batch_; }

 private:
  void ReadAll() {
    log_pb::ConsumeResponse response;
    while (stream_->Read(&response)) {
      std::span<const std::byte> left = support::AsBytes(response.batches().records());
      while (!left.empty()) {
        const auto batch = storage::ExamineBatch(left, storage::BatchDepth::kHeader);
        ASSERT_FALSE(batch.defect.has_value());
        const auto length = std::int64_t{batch.header.length_bytes};
        largest_batch_ = std::max(largest_batch_.load(), length);
        bytes_ += length;
        left = left.subspan(static_cast<std::size_t>(length));
      }
    }
  }

  std::unique_ptr<log_pb::ConsumeService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<log_pb::ConsumeRequest, log_pb::ConsumeResponse>>
      stream_;
  std::thread reading_;
  std::atomic<std::int64_t> bytes_ = 0;
  std::atomic<std::int64_t> largest_batch_ = 0;
};

class ConsumeCreditsTest : public ClusterTest {
 protected:
  static constexpr std::int64_t kAllCredits = 64 * base::kMiB;

  void SetUp() override {
    ClusterTest::SetUp();
    if (stage_ == nullptr || HasFatalFailure()) return;
    partition_ = *partitions_.begin();
    client::ProducerOptions options;
    options.wait_when_refused = true;
    auto producer = client::Producer::Connect(
        stage_->agent(), options,
        {[this](const client::Outcome& outcome) { stage_->ledger.Take(outcome); }, {}});
    ASSERT_OK(producer);
    for (int i = 0; i < 12 * 1024; ++i) {  // of 1 KiB
      const std::uint64_t tag = stage_->ledger.NextTag();
      const std::string value = stage_->ledger.ValueOf(partition_, tag);
      ASSERT_OK((*producer)->Append(partition_, {.value = value}, tag));
    }
    ASSERT_OK((*producer)->Flush(support::kLongWait));
  }

  // Another consumer reads the whole partition meanwhile: what the server would have sent to the
  // first beyond its credits, it has had as much occasion to send.
  void LetAnotherReadAll() {
    for (int i = 0; i < 2; ++i) {
      GreedyConsumer other(stage_->agent(), partition_, kAllCredits, true);
      other.WaitForEnd();
      ASSERT_GT(other.bytes(), 8 * base::kMiB) << "too little was stored to show anything";
      largest_batch_ = std::max(largest_batch_, other.largest_batch());
    }
  }

  std::uint64_t partition_ = 0;
  std::int64_t largest_batch_ = 0;
};

TEST_F(ConsumeCreditsTest, NoMoreThanTheCreditsAndOneBatchEverArrives) {
  if (stage_ == nullptr) return;
  constexpr std::int64_t kCredits = 200'000;
  GreedyConsumer consumer(stage_->agent(), partition_, kCredits, false);
  ASSERT_TRUE(support::WaitFor([&] { return consumer.bytes() >= kCredits / 2; }, support::kLongWait,
                               "what the first credits allow"));
  std::int64_t given = kCredits;
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(absl::StrFormat("%d bytes of credits given", given));
    LetAnotherReadAll();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_LT(consumer.bytes(), given + largest_batch_);
    // And no fewer: credits that are there are used.
    EXPECT_TRUE(support::WaitFor([&] { return consumer.bytes() >= given; }, support::kLongWait,
                                 "all that the credits allow"));
    consumer.GiveCredits(kCredits);
    given += kCredits;
  }
}

TEST_F(ConsumeCreditsTest, WithoutCreditsNothingArrives) {
  if (stage_ == nullptr) return;
  GreedyConsumer consumer(stage_->agent(), partition_, 0, false);
  LetAnotherReadAll();
  EXPECT_EQ(consumer.bytes(), 0);
  consumer.GiveCredits(1);
  ASSERT_TRUE(support::WaitFor([&] { return consumer.bytes() > 0; }, support::kLongWait,
                               "the one batch that a credit opens the way for"));
  LetAnotherReadAll();
  EXPECT_LE(consumer.bytes(), largest_batch_);
}

}  // namespace
}  // namespace tidemark::story
