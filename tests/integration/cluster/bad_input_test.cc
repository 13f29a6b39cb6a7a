// What a client sends wrong, on real processes: a typed refusal, nothing lost, no crash.
#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "daemon/grpc_channel.h"
#include "storage/codec/batch.h"
#include "tests/integration/cluster/cluster_fixture.h"
#include "tests/support/sample_batch.h"
#include "tidemark/log/v1/log.grpc.pb.h"

namespace tidemark::story {
namespace {

namespace log_pb = tidemark::log::v1;
using testing::HasSubstr;

class BadInputTest : public ClusterTest {
 protected:
  // One append over a stream of its own.
  log_pb::AppendResult Append(std::uint64_t partition, const std::string& batch) {
    const auto stub = log_pb::ProduceService::NewStub(daemon::NewChannel(stage_->agent()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + support::kLongWait);
    const auto stream = stub->Produce(&context);
    log_pb::ProduceRequest request;
    request.mutable_start()->set_acks(log_pb::ACKS_DURABLE);
    stream->Write(request);
    request.mutable_append()->set_partition_id(partition);
    request.mutable_append()->set_batch(batch);
    stream->Write(request);
    stream->WritesDone();
    log_pb::AppendResult result;
    log_pb::ProduceResponse response;
    while (stream->Read(&response)) {
      if (response.results_size() > 0) result = response.results(0);
    }
    EXPECT_TRUE(stream->Finish().ok()) << "a refusal ends no stream";
    return result;
  }
};

TEST_F(BadInputTest, BadBatchesAreRefusedByNameAndTheAgentServesOn) {
  if (stage_ == nullptr) return;
  const std::uint64_t partition = *partitions_.begin();
  const std::string good = support::AsText(support::MakeBatch({.records = 3}).bytes());
  std::string wrong_crc = good;
  wrong_crc.back() = static_cast<char>(wrong_crc.back() ^ 1);
  std::string long_length = good;
  long_length[storage::BatchLayout::kLength + 3] = 0x7F;
  const std::string oversize =
      support::AsText(support::MakeBatch({.records = 2, .value_bytes = 800'000}).bytes());
  struct Case {
    std::string name;
    std::uint64_t partition;
    std::string batch;
    log_pb::RefusalReason reason;
  };
  const Case cases[] = {
      {"wrong CRC", partition, wrong_crc, log_pb::REFUSAL_REASON_BATCH_CHECKSUM},
      {"length beyond the bytes", partition, long_length, log_pb::REFUSAL_REASON_BATCH_MALFORMED},
      {"half a batch", partition, good.substr(0, good.size() / 2),
       log_pb::REFUSAL_REASON_BATCH_MALFORMED},
      {"empty", partition, "", log_pb::REFUSAL_REASON_BATCH_MALFORMED},
      {"noise", partition, std::string(500, 'x'), log_pb::REFUSAL_REASON_BATCH_MALFORMED},
      {"oversize", partition, oversize, log_pb::REFUSAL_REASON_BATCH_TOO_LARGE},
      {"unknown partition", 0xDEAD, good, log_pb::REFUSAL_REASON_UNKNOWN_PARTITION},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.name);
    const log_pb::AppendResult result = Append(bad.partition, bad.batch);
    EXPECT_EQ(result.refusal().reason(), bad.reason) << result.ShortDebugString();
    EXPECT_FALSE(result.has_base_offset());
    EXPECT_NE(result.refusal().message(), "");
  }
  const log_pb::AppendResult accepted = Append(partition, good);
  EXPECT_TRUE(accepted.has_base_offset()) << accepted.ShortDebugString();
  EXPECT_TRUE(stage_->spu->running());
}

TEST_F(BadInputTest, BadTopicNamesAreRefused) {
  if (stage_ == nullptr) return;
  for (const std::string& name : {std::string("../x"), std::string(""), std::string("."),
                                  std::string(250, 'a'), std::string("with space")}) {
    SCOPED_TRACE("'" + name + "'");
    const auto result = stage_->Type({"topic", "create", name, "--partitions", "1"}, 2);
    EXPECT_OK(result);
  }
}

TEST_F(BadInputTest, ATopicWithoutRoomIsAnErrorWithNumbers) {
  if (stage_ == nullptr) return;
  const auto result = stage_->Type({"topic", "create", "huge", "--partitions", "4000"}, 10);
  ASSERT_OK(result);
  EXPECT_THAT(result->errors, HasSubstr("available"));
}

}  // namespace
}  // namespace tidemark::story
