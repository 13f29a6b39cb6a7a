// kill -9 of the agent under load, again and again: every acknowledged record is there, in order,
// once; an unacknowledged tail may be there, once.
#include <atomic>
#include <thread>

#include "absl/strings/str_format.h"
#include "cli/client/producer.h"
#include "cli/client/spu_client.h"
#include "tests/integration/cluster/cluster_fixture.h"

namespace tidemark::story {
namespace {

constexpr int kRounds = 50;
constexpr int kReadEvery = 5;  // and trim, so that the volumes do not fill

class KillTest : public ClusterTest {
 protected:
  // Appends to all partitions until the stream breaks.
  void ProduceUntilBroken() {
    client::ProducerOptions options;
    options.batch_bytes = 8 * 1024;
    const auto on_outcome = [this](const client::Outcome& outcome) {
      stage_->ledger.Take(outcome);
      if (outcome.status.ok()) ++acknowledged_batches_;
    };
    auto producer = client::Producer::Connect(stage_->agent(), options, {on_outcome, {}});
    ASSERT_OK(producer);
    for (;;) {
      for (const std::uint64_t id : partitions_) {
        const std::uint64_t tag = stage_->ledger.NextTag();
        const std::string value = stage_->ledger.ValueOf(id, tag);
        if (!(*producer)->Append(id, {.value = value}, tag).ok()) return;
      }
    }
  }

  void ReadAndTrim() {
    const client::SpuClient spu(stage_->agent());
    for (const std::uint64_t id : partitions_) {
      ASSERT_OK_AND_ASSIGN(const ReadBack read, stage_->ledger.ReadAll(stage_->agent(), id));
      ASSERT_OK(spu.Trim(id, read.log_start + read.records));
    }
    EXPECT_EQ(stage_->ledger.unread(), 0);
  }

  std::atomic<std::int64_t> acknowledged_batches_ = 0;
};

TEST_F(KillTest, NothingAcknowledgedIsLostOverFiftyKillsUnderLoad) {
  if (stage_ == nullptr) return;
  std::mt19937_64 random(seed_);
  for (int round = 1; round <= kRounds; ++round) {
    SCOPED_TRACE(absl::StrFormat("round %d, seed %d", round, seed_));
    const std::int64_t until =
        acknowledged_batches_ + std::uniform_int_distribution<std::int64_t>(0, 150)(random);
    std::thread producing([this] { ProduceUntilBroken(); });
    const auto loaded = support::WaitFor([&] { return acknowledged_batches_ > until; },
                                         support::kLongWait, "acknowledged batches");
    stage_->spu->Kill9();
    producing.join();
    ASSERT_TRUE(loaded);
    ASSERT_OK(stage_->StartAgent());
    ASSERT_TRUE(AwaitOnline());
    if (round % kReadEvery == 0) ReadAndTrim();
  }
  std::printf("%d kills, %lld records acknowledged, all read back\n", kRounds,
              static_cast<long long>(stage_->ledger.acknowledged()));
}

}  // namespace
}  // namespace tidemark::story
