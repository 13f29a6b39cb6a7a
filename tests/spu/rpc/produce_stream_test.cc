// What a producer can cost: many small batches that are all refused at once, results that nobody
// reads, partitions that do not exist.
#include "spu/rpc/produce_stream.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "daemon/grpc_channel.h"
#include "daemon/grpc_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "spu/rpc/services.h"
#include "tests/support/await.h"
#include "tests/support/loop_thread.h"
#include "tests/support/sample_batch.h"
#include "tests/support/status_matchers.h"
#include "tidemark/log/v1/log.grpc.pb.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;
using std::chrono_literals::operator""s;
using support::kLongWait;

// Keeps what is appended to partition 1 until told to refuse it; knows no other partition.
class FakePartitions final : public PartitionHost {
 public:
  storage::BatchLimits LimitsOf(base::PartitionId) const override { return {}; }
  void Append(AppendCommand command) override {
    ++appended;
    if (command.partition != base::PartitionId(1))
      return command.done(Refuse(std::string(400, 'x')));
    kept_.push_back(std::move(command.done));
  }
  void OnAppendRefused(const Refusal& refusal) override { refused.push_back(refusal.reason()); }
  void OnReadRefused(const Refusal&) override {}
  void Read(ReadCommand) override {}
  Refusal WhyNotHere(base::PartitionId id) const override { return UnknownPartition(id); }
  std::optional<Offsets> OffsetsOf(base::PartitionId id) const override {
    return id == base::PartitionId(1) ? std::optional(Offsets()) : std::nullopt;
  }
  void OffsetForTime(base::PartitionId, base::WallMillis,
                     absl::AnyInvocable<void(absl::StatusOr<base::Offset>)>) override {}
  Subscription OnAdvance(base::PartitionId, absl::AnyInvocable<void()>) override { return {}; }
  Subscription OnGate(base::PartitionId,
                      absl::AnyInvocable<void(std::optional<Refusal>)>) override {
    ++watched;
    return {};
  }
  void Trim(base::PartitionId, base::Offset, absl::AnyInvocable<void(TrimResult)>) override {}
  std::vector<log_pb::LocalPartition> ListLocal() const override { return {}; }

  // As when a gate closes: all that was waiting, in one turn of the loop.
  void RefuseAllKept() {
    for (auto& done : std::exchange(kept_, {})) done(Refuse(std::string(400, 'x')));
  }

  std::atomic<int> appended = 0;
  std::atomic<int> watched = 0;
  std::vector<RefusalReason> refused;  // on the loop

 private:
  static AppendResult Refuse(std::string why) {
    AppendResult result;
    result.refusal = MakeRefusal(log_pb::REFUSAL_REASON_OUT_OF_SPACE, std::move(why));
    return result;
  }
  std::vector<absl::AnyInvocable<void(AppendResult)>> kept_;
};

class NoVolumes final : public VolumeHost {
 public:
  std::string SpuId() const override { return "spu"; }
  std::vector<tidemark::space::v1::Volume> ListVolumes() const override { return {}; }
  void Explain(const std::string&, Explained) override {}
  absl::StatusOr<tidemark::space::v1::PlanReclaimResponse> PlanReclaim(
      const std::string&) const override {
    return absl::NotFoundError("none");
  }
  void Reclaim(const std::string&, Reclaimed) override {}
  void Hold(const std::string&, const std::string&, const std::string&, Changed) override {}
  void Release(const std::string&, const std::string&, Changed) override {}
};

class ProduceStreamTest : public testing::Test {
 protected:
  ProduceStreamTest() {
    loop_.Run([&] {
      services_.emplace(*loop_, partitions_, volumes_);
      auto server =
          daemon::GrpcServer::Start(*loop_, {.endpoint = {"127.0.0.1", 0}}, services_->all());
      EXPECT_OK(server);
      server_ = *std::move(server);
    });
    stub_ = log_pb::ProduceService::NewStub(daemon::NewChannel(server_->endpoint().ToString()));
    batch_ = support::AsText(support::MakeBatch({.value_bytes = 20}).bytes());
  }
  ~ProduceStreamTest() override {
    std::promise<void> done;
    loop_->PostControl([&] {
      services_->Drain();
      server_->ShutDown(1s, [&] {
        server_.reset();
        done.set_value();
      });
    });
    done.get_future().wait();
  }

  log_pb::ProduceRequest Start() const {
    log_pb::ProduceRequest request;
    request.mutable_start()->set_acks(log_pb::ACKS_DURABLE);
    return request;
  }
  log_pb::ProduceRequest AppendTo(std::uint64_t partition) const {
    log_pb::ProduceRequest request;
    request.mutable_append()->set_partition_id(partition);
    request.mutable_append()->set_batch(batch_);
    return request;
  }

  support::LoopThread loop_;
  FakePartitions partitions_;
  NoVolumes volumes_;
  std::optional<Services> services_;
  std::unique_ptr<daemon::GrpcServer> server_;
  std::unique_ptr<log_pb::ProduceService::Stub> stub_;
  std::string batch_;
};

// Thousands of small batches in flight when the disk gets full: 15 MiB of refusals in one message
// were above what a client takes, and tore the stream instead of telling why.
TEST_F(ProduceStreamTest, EveryOneOfManyRefusalsArrives) {
  constexpr int kBatches = 12'000;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kLongWait);
  const auto stream = stub_->Produce(&context);
  ASSERT_TRUE(stream->Write(Start()));
  const log_pb::ProduceRequest append = AppendTo(1);
  for (int i = 0; i < kBatches; ++i) ASSERT_TRUE(stream->Write(append));
  ASSERT_TRUE(support::WaitFor([&] { return partitions_.appended == kBatches; }, kLongWait,
                               "all batches to wait for the disk"));
  loop_.Run([&] { partitions_.RefuseAllKept(); });
  stream->WritesDone();
  int refused = 0;
  log_pb::ProduceResponse response;
  while (stream->Read(&response)) {
    for (const auto& result : response.results()) refused += result.has_refusal() ? 1 : 0;
  }
  const grpc::Status status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(refused, kBatches);
}

// Who does not take his results is not read from: else he could fill our memory with them.
TEST_F(ProduceStreamTest, AProducerThatDoesNotReadIsNotReadFrom) {
  constexpr int kMoreThanFits = 400'000;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 5s);  // it must block before
  const auto stream = stub_->Produce(&context);
  ASSERT_TRUE(stream->Write(Start()));
  const log_pb::ProduceRequest append = AppendTo(2);
  int written = 0;
  while (written < kMoreThanFits && stream->Write(append)) ++written;
  EXPECT_LT(written, kMoreThanFits) << "all of it was read, though nobody took a result";
  // 1 MiB of results, and what gRPC buffers on both sides.
  EXPECT_LT(partitions_.appended, 30'000);
  context.TryCancel();
  log_pb::ProduceResponse response;
  while (stream->Read(&response)) {
  }
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_F(ProduceStreamTest, PartitionsThatAreNotHereLeaveNothingBehind) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kLongWait);
  const auto stream = stub_->Produce(&context);
  ASSERT_TRUE(stream->Write(Start()));
  std::thread reading([&] {
    log_pb::ProduceResponse response;
    while (stream->Read(&response)) {
    }
  });
  for (std::uint64_t id = 100; id < 1100; ++id) ASSERT_TRUE(stream->Write(AppendTo(id)));
  ASSERT_TRUE(stream->Write(AppendTo(1)));
  EXPECT_TRUE(support::WaitFor([&] { return partitions_.appended == 1001; }, kLongWait,
                               "all appends to arrive"));
  EXPECT_EQ(partitions_.watched, 1);
  loop_.Run([&] { partitions_.RefuseAllKept(); });
  stream->WritesDone();
  reading.join();
  EXPECT_TRUE(stream->Finish().ok());
}

// What the stream itself finds wrong never reaches a partition, but it is a refusal like any other.
TEST_F(ProduceStreamTest, ABatchThatIsNoGoodIsCountedUnderItsReason) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kLongWait);
  const auto stream = stub_->Produce(&context);
  ASSERT_TRUE(stream->Write(Start()));
  log_pb::ProduceRequest damaged = AppendTo(1);
  damaged.mutable_append()->mutable_batch()->back() ^= 1;
  log_pb::ProduceRequest garbage = AppendTo(1);
  garbage.mutable_append()->set_batch("no batch");
  log_pb::ProduceRequest huge = AppendTo(1);
  huge.mutable_append()->set_batch(std::string(storage::BatchLimits().batch_bytes_max + 1, 'x'));
  for (const auto& bad : {damaged, garbage, huge}) ASSERT_TRUE(stream->Write(bad));
  stream->WritesDone();
  log_pb::ProduceResponse response;
  while (stream->Read(&response)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
  loop_.Run([&] {
    EXPECT_THAT(partitions_.refused, testing::ElementsAre(log_pb::REFUSAL_REASON_BATCH_CHECKSUM,
                                                          log_pb::REFUSAL_REASON_BATCH_MALFORMED,
                                                          log_pb::REFUSAL_REASON_BATCH_TOO_LARGE));
  });
}

}  // namespace
}  // namespace tidemark::spu
