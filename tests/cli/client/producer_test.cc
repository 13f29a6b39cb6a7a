#include "cli/client/producer.h"

#include <chrono>
#include <numeric>

#include "base/mutex.h"
#include "cli/client/rpc_status.h"
#include "gmock/gmock.h"
#include "tests/cli/fake/fake_spu.h"
#include "tests/support/await.h"
#include "tests/support/status_matchers.h"

namespace tidemark::client {
namespace {

using cli::FakeSpu;
using std::chrono::seconds;
using support::IsOk;
using support::kLongWait;
using support::StatusIs;
using support::WaitFor;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kProduced = 7;

log::v1::Refusal OutOfSpace(std::int64_t retry_delay_ms) {
  log::v1::Refusal refusal;
  refusal.set_reason(log::v1::REFUSAL_REASON_OUT_OF_SPACE);
  refusal.set_message("append refused: 12 MiB available, full mark 25 MiB");
  refusal.set_available_bytes(12 << 20);
  refusal.set_full_bytes(25 << 20);
  refusal.set_retry_delay_ms(retry_delay_ms);
  refusal.set_grpc_code(static_cast<int>(absl::StatusCode::kResourceExhausted));
  return refusal;
}

// Collects outcomes; safe to look at from the test.
class Outcomes {
 public:
  ProducerCallbacks callbacks() {
    return {[this](const Outcome& outcome) {
              base::MutexLock lock(mutex_);
              outcomes_.push_back(outcome);
            },
            [this](const log::v1::PartitionNotice& notice) {
              base::MutexLock lock(mutex_);
              notices_.push_back(notice.blocked());
            }};
  }
  std::vector<Outcome> all() {
    base::MutexLock lock(mutex_);
    return outcomes_;
  }
  std::vector<std::uint64_t> tags() {
    std::vector<std::uint64_t> tags;
    for (const Outcome& outcome : all()) {
      tags.insert(tags.end(), outcome.tags.begin(), outcome.tags.end());
    }
    return tags;
  }

 private:
  base::Mutex mutex_;
  std::vector<Outcome> outcomes_ TM_GUARDED_BY(mutex_);
  std::vector<bool> notices_ TM_GUARDED_BY(mutex_);
};

std::vector<std::uint64_t> Counted(std::uint64_t count) {
  std::vector<std::uint64_t> tags(count);
  std::iota(tags.begin(), tags.end(), 0);
  return tags;
}

class ProducerTest : public testing::Test {
 protected:
  std::unique_ptr<Producer> Connect(ProducerOptions options = {}) {
    auto producer = Producer::Connect(spu_.endpoint(), options, outcomes_.callbacks());
    EXPECT_OK(producer);
    return producer.ok() ? *std::move(producer) : nullptr;
  }
  static void AppendAll(Producer& producer, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t tag = from; tag < to; ++tag) {
      const std::string value = "value " + std::to_string(tag);
      ASSERT_OK(producer.Append(kProduced, {.key = {}, .value = value}, tag));
    }
  }

  FakeSpu spu_;
  Outcomes outcomes_;
};

TEST_F(ProducerTest, EveryRecordArrivesOnceInOrderAndIsAnswered) {
  const auto producer = Connect();
  AppendAll(*producer, 0, 5000);
  ASSERT_OK(producer->Flush(kLongWait));
  EXPECT_EQ(outcomes_.tags(), Counted(5000));
  const auto values = spu_.values(kProduced);
  ASSERT_EQ(values.size(), 5000U);
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(values[i], "value " + std::to_string(i));
}

TEST_F(ProducerTest, GathersWhileMessagesAreInFlight) {
  spu_.HoldAnswers();
  const auto producer = Connect({.pipeline_depth = 1});
  AppendAll(*producer, 0, 1);
  ASSERT_TRUE(WaitFor(
      [&] { return producer->Flush(seconds(0)).code() == absl::StatusCode::kDeadlineExceeded; },
      kLongWait, "the first batch to be in flight"));
  AppendAll(*producer, 1, 500);
  spu_.Release();
  ASSERT_OK(producer->Flush(kLongWait));
  const auto batches = spu_.batches(kProduced);
  EXPECT_EQ(std::accumulate(batches.begin(), batches.end(), 0), 500);
  // How the first records fell into the first batch is a race; the rest must have gathered.
  EXPECT_LE(batches.size(), 3U);
}

TEST_F(ProducerTest, StampsOffsetsOfEachBatch) {
  const auto producer = Connect();
  AppendAll(*producer, 0, 100);
  ASSERT_OK(producer->Flush(kLongWait));
  std::int64_t next = 0;
  for (const Outcome& outcome : outcomes_.all()) {
    EXPECT_EQ(outcome.base_offset, next);
    next += static_cast<std::int64_t>(outcome.tags.size());
    EXPECT_EQ(outcome.durable_end, next);
  }
  EXPECT_EQ(next, 100);
}

TEST_F(ProducerTest, ARefusalComesBackWithItsNumbers) {
  spu_.Refuse(kProduced, OutOfSpace(1000));
  const auto producer = Connect();
  AppendAll(*producer, 0, 1);
  ASSERT_OK(producer->Flush(kLongWait));
  const auto all = outcomes_.all();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0].status,
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("full mark 25 MiB")));
  ASSERT_TRUE(all[0].refusal.has_value());
  EXPECT_EQ(all[0].refusal->full_bytes(), 25 << 20);
  EXPECT_EQ(RefusalOf(all[0].status)->available_bytes(), 12 << 20);
}

TEST_F(ProducerTest, AnotherPartitionGoesOnWhileOneIsRefused) {
  spu_.Refuse(kProduced, OutOfSpace(1'000'000));
  const auto producer = Connect({.wait_when_refused = true});
  AppendAll(*producer, 0, 3);
  ASSERT_OK(producer->Append(8, {.key = {}, .value = "other"}, 99));
  ASSERT_TRUE(WaitFor([&] { return !outcomes_.all().empty(); }, kLongWait, "the other's answer"));
  EXPECT_EQ(outcomes_.all()[0].partition_id, 8U);
  EXPECT_TRUE(spu_.values(kProduced).empty());
}

TEST_F(ProducerTest, WaitingProducerGoesOnAtTheNoticeAndKeepsTheOrder) {
  // The retry delay alone would take longer than the test waits.
  spu_.Refuse(kProduced, OutOfSpace(3'600'000));
  const auto producer = Connect({.wait_when_refused = true});
  AppendAll(*producer, 0, 50);
  EXPECT_THAT(producer->Flush(std::chrono::milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("")));
  EXPECT_TRUE(outcomes_.all().empty());
  // The notice is repeated: a batch may just have been on its way to its refusal.
  ASSERT_TRUE(WaitFor(
      [&] {
        spu_.Accept(kProduced, /*notice=*/true);
        return producer->Flush(std::chrono::milliseconds(20)).ok();
      },
      kLongWait, "the producer to go on"));
  EXPECT_EQ(outcomes_.tags(), Counted(50));
  EXPECT_EQ(spu_.values(kProduced).front(), "value 0");
  EXPECT_EQ(spu_.values(kProduced).back(), "value 49");
}

TEST_F(ProducerTest, WaitingProducerGoesOnAfterTheRetryDelayWithoutANotice) {
  spu_.Refuse(kProduced, OutOfSpace(1));
  const auto producer = Connect({.wait_when_refused = true});
  AppendAll(*producer, 0, 5);
  // What was under way when the first was refused has been refused too: the sixth is a retry.
  ASSERT_TRUE(WaitFor([&] { return spu_.refused() > 5; }, kLongWait, "a retry"));
  spu_.Accept(kProduced, /*notice=*/false);
  ASSERT_OK(producer->Flush(kLongWait));
  EXPECT_EQ(outcomes_.tags(), Counted(5));
}

TEST_F(ProducerTest, RetriesAMissingStepByItself) {
  log::v1::Refusal no_step = OutOfSpace(1);
  no_step.set_reason(log::v1::REFUSAL_REASON_NO_STEP);
  spu_.Refuse(kProduced, no_step);
  const auto producer = Connect();
  AppendAll(*producer, 0, 5);
  spu_.Accept(kProduced, /*notice=*/false);
  ASSERT_OK(producer->Flush(kLongWait));
  for (const Outcome& outcome : outcomes_.all()) EXPECT_OK(outcome.status);
}

TEST_F(ProducerTest, ABrokenStreamLeavesNoRecordWithoutAnAnswer) {
  spu_.HoldAnswers();
  const auto producer = Connect();
  AppendAll(*producer, 0, 20);
  spu_.BreakStream();
  EXPECT_THAT(producer->Flush(kLongWait), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("")));
  EXPECT_EQ(outcomes_.tags(), Counted(20));
  for (const Outcome& outcome : outcomes_.all()) {
    EXPECT_FALSE(outcome.status.ok());
    EXPECT_FALSE(outcome.refusal.has_value()) << "nobody refused it: it is unknown";
  }
  EXPECT_FALSE(producer->Append(kProduced, {.key = {}, .value = "late"}, 99).ok());
}

TEST_F(ProducerTest, RefusesARecordAboveTheServersLimitBeforeSendingIt) {
  spu_.started.set_batch_bytes_max(64 * 1024);
  const auto producer = Connect();
  const std::string value(64 * 1024, 'x');
  EXPECT_THAT(producer->Append(kProduced, {.key = {}, .value = value}, 0),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("65536")));
}

TEST_F(ProducerTest, HonoursTheServersWindow) {
  spu_.started.set_outstanding_bytes_max(1);  // one batch at a time, whatever its size
  const auto producer = Connect({.batch_bytes = 1024, .pipeline_depth = 100});
  AppendAll(*producer, 0, 500);
  ASSERT_OK(producer->Flush(kLongWait));
  EXPECT_EQ(outcomes_.tags(), Counted(500));
}

TEST(ProducerConnectTest, SaysWhomItCannotReach) {
  EXPECT_THAT(Producer::Connect("127.0.0.1:1", {}, {}).status(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("SPU at 127.0.0.1:1")));
}

}  // namespace
}  // namespace tidemark::client
