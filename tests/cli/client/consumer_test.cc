#include "cli/client/consumer.h"

#include <chrono>

#include "gmock/gmock.h"
#include "tests/cli/fake/fake_spu.h"
#include "tests/support/await.h"
#include "tests/support/status_matchers.h"

namespace tidemark::client {
namespace {

using cli::FakeSpu;
using support::kLongWait;
using support::StatusIs;
using testing::HasSubstr;

constexpr std::uint64_t kConsumed = 7;

std::vector<std::string> Numbered(int count, std::size_t size = 8) {
  std::vector<std::string> values;
  for (int i = 0; i < count; ++i) {
    std::string value = std::to_string(i);
    value.resize(size, ' ');
    values.push_back(value);
  }
  return values;
}

// Everything to the end; the offsets must be consecutive.
absl::StatusOr<std::vector<std::string>> ReadAll(Consumer& consumer) {
  std::vector<std::string> values;
  while (true) {
    auto event = consumer.Next(kLongWait);
    if (!event.ok()) return event.status();
    if (event->kind == ConsumerEvent::Kind::kEnd) return values;
    for (const IncomingRecord& record : event->records) values.push_back(record.value);
  }
}

class ConsumerTest : public testing::Test {
 protected:
  absl::StatusOr<std::vector<std::string>> Read(const ConsumerOptions& options) {
    auto consumer = Consumer::Open(spu_.endpoint(), options);
    if (!consumer.ok()) return consumer.status();
    return ReadAll(**consumer);
  }
  FakeSpu spu_;
};

TEST_F(ConsumerTest, ReadsEveryRecordUntilTheEnd) {
  const auto values = Numbered(1000);
  spu_.Fill(kConsumed, values, 7);
  EXPECT_THAT(Read({.partition_id = kConsumed, .until_end = true}), support::IsOkAndHolds(values));
}

TEST_F(ConsumerTest, BeginsInsideABatch) {
  spu_.Fill(kConsumed, Numbered(20), 10);
  ASSERT_OK_AND_ASSIGN(
      const auto values,
      Read({.partition_id = kConsumed, .from = {StartAt::Kind::kOffset, 13}, .until_end = true}));
  ASSERT_EQ(values.size(), 7U);
  EXPECT_THAT(values.front(), HasSubstr("13"));
}

TEST_F(ConsumerTest, ReturnsCreditsForWhatItRead) {
  // 100 batches of about 1 KiB through a window of 4 KiB: only credits that come back allow it.
  const auto values = Numbered(100, 1024);
  spu_.Fill(kConsumed, values, 1);
  EXPECT_THAT(Read({.partition_id = kConsumed, .until_end = true, .credit_bytes = 4 * 1024}),
              support::IsOkAndHolds(values));
  EXPECT_GE(spu_.credits_received(), 95 * 1024);
}

TEST_F(ConsumerTest, HoldsCreditsBackWhileNobodyReads) {
  spu_.Fill(kConsumed, Numbered(100, 1024), 1);
  ASSERT_OK_AND_ASSIGN(
      const auto consumer,
      Consumer::Open(spu_.endpoint(), {.partition_id = kConsumed, .credit_bytes = 4 * 1024}));
  ASSERT_OK(consumer->Next(kLongWait));  // one batch read: under a quarter of the window
  EXPECT_EQ(spu_.credits_received(), 0);
}

TEST_F(ConsumerTest, RefusesABatchWhoseChecksumIsWrong) {
  spu_.Fill(kConsumed, Numbered(10), 10);
  spu_.corrupt_batches = true;
  EXPECT_THAT(Read({.partition_id = kConsumed, .until_end = true}).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("offset 0")));
}

TEST_F(ConsumerTest, TellsAnOffsetOutsideTheLog) {
  EXPECT_THAT(Read({.partition_id = kConsumed, .from = {StartAt::Kind::kOffset, 5}}).status(),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("beyond the log")));
}

TEST_F(ConsumerTest, SaysWhenItHasCaughtUp) {
  spu_.Fill(kConsumed, Numbered(3), 3);
  ASSERT_OK_AND_ASSIGN(const auto consumer,
                       Consumer::Open(spu_.endpoint(), {.partition_id = kConsumed}));
  ASSERT_OK_AND_ASSIGN(const auto records, consumer->Next(kLongWait));
  EXPECT_EQ(records.next_offset, 3);
  ASSERT_OK_AND_ASSIGN(const auto caught_up, consumer->Next(kLongWait));
  EXPECT_EQ(caught_up.kind, ConsumerEvent::Kind::kCaughtUp);
  EXPECT_THAT(consumer->Next(base::Duration::zero()).status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("")));
}

}  // namespace
}  // namespace tidemark::client
