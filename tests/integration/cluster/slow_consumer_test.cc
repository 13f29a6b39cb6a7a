// A consumer that stops reading holds its credits and nothing else.
#include <gmock/gmock.h>

#include <fstream>

#include "absl/strings/str_format.h"
#include "cli/client/consumer.h"
#include "cli/client/producer.h"
#include "tests/integration/cluster/cluster_fixture.h"

namespace tidemark::story {
namespace {

constexpr std::int64_t kMiB = 1024 * 1024;

std::int64_t ResidentBytes(pid_t pid) {
  std::ifstream statm(absl::StrFormat("/proc/%d/statm", pid));
  std::int64_t size = 0;
  std::int64_t resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

class SlowConsumerTest : public ClusterTest {
 protected:
  void Produce(std::uint64_t id, int records) {
    auto producer = client::Producer::Connect(
        stage_->agent(), {},
        {[this](const client::Outcome& outcome) { stage_->ledger.Take(outcome); }, {}});
    ASSERT_OK(producer);
    for (int i = 0; i < records; ++i) {
      const std::uint64_t tag = stage_->ledger.NextTag();
      const std::string value = stage_->ledger.ValueOf(id, tag);
      ASSERT_OK((*producer)->Append(id, {.value = value}, tag));
    }
    ASSERT_OK((*producer)->Flush(support::kLongWait));
  }
};

TEST_F(SlowConsumerTest, GrowsTheAgentByItsCreditsAtMostAndSlowsNobody) {
  if (stage_ == nullptr) return;
  // A sanitizer keeps what was freed for a while; that is not the agent's memory.
  stage_->spu->options().environment.push_back("ASAN_OPTIONS=quarantine_size_mb=1");
  stage_->spu->Terminate();
  ASSERT_OK(stage_->spu->WaitForExit());
  ASSERT_OK(stage_->StartAgent());
  ASSERT_TRUE(AwaitOnline());
  const std::uint64_t id = *partitions_.begin();
  constexpr int kRecords = 16 * 1024;  // of 1 KiB
  constexpr int kConsumers = 16;
  constexpr std::int64_t kCredits = kMiB;
  Produce(id, kRecords);
  // Once through, so that caches and allocators are warm.
  ASSERT_OK(stage_->ledger.ReadAll(stage_->agent(), id));
  const std::int64_t before = ResidentBytes(stage_->spu->pid());

  std::vector<std::unique_ptr<client::Consumer>> idle;
  for (int i = 0; i < kConsumers; ++i) {
    client::ConsumerOptions options;
    options.partition_id = id;
    options.credit_bytes = kCredits;
    auto consumer = client::Consumer::Open(stage_->agent(), options);
    ASSERT_OK(consumer);
    idle.push_back(*std::move(consumer));
    // One event, so that its stream is really running; its credits are never given back.
    ASSERT_OK(idle.back()->Next(support::kLongWait));
  }
  // The others read everything while those stand still.
  ASSERT_OK_AND_ASSIGN(const ReadBack read, stage_->ledger.ReadAll(stage_->agent(), id));
  EXPECT_GE(read.records * 1024, 8 * kMiB) << "too little was stored to show anything";
  const std::int64_t grown = ResidentBytes(stage_->spu->pid()) - before;
  RecordProperty("grown_bytes", std::to_string(grown));
  EXPECT_LE(grown, kConsumers * kCredits + 16 * kMiB);
}

}  // namespace
}  // namespace tidemark::story
