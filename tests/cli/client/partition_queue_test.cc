#include "cli/client/partition_queue.h"

#include <chrono>

#include "gmock/gmock.h"

namespace tidemark::client {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr std::int64_t kBatchBytes = 1024;

base::MonotonicTime At(int ms) { return base::MonotonicTime(milliseconds(ms)); }

bool Add(PartitionQueue& queue, std::uint64_t tag, std::size_t size = 10) {
  const std::string value(size, 'v');
  return queue.Add({.key = {}, .value = value}, tag, kBatchBytes);
}

TEST(PartitionQueueTest, SendsAtOnceWhileThePipelineHasAPlace) {
  PartitionQueue queue(2);
  EXPECT_FALSE(queue.Sendable(At(0)));
  ASSERT_TRUE(Add(queue, 1));
  ASSERT_TRUE(queue.Sendable(At(0)));
  EXPECT_THAT(queue.Take(1).tags, ElementsAre(1));
  EXPECT_FALSE(queue.Sendable(At(0)));
}

TEST(PartitionQueueTest, GathersWhileThePipelineIsFull) {
  PartitionQueue queue(1);
  ASSERT_TRUE(Add(queue, 1));
  queue.Take(1);
  for (std::uint64_t tag = 2; tag <= 4; ++tag) ASSERT_TRUE(Add(queue, tag));
  EXPECT_FALSE(queue.Sendable(At(0)));
  EXPECT_THAT(queue.Finish(1)->tags, ElementsAre(1));
  ASSERT_TRUE(queue.Sendable(At(0)));
  EXPECT_THAT(queue.Take(2).tags, ElementsAre(2, 3, 4));
}

TEST(PartitionQueueTest, TakesNoMoreThanOneSealedAndOneGatheringBatch) {
  PartitionQueue queue(1);
  EXPECT_TRUE(Add(queue, 1, 900));
  EXPECT_TRUE(Add(queue, 2, 900));   // seals the first
  EXPECT_FALSE(Add(queue, 3, 900));  // two wait: the caller blocks
  queue.Take(1);
  EXPECT_TRUE(Add(queue, 3, 900));
}

TEST(PartitionQueueTest, SendsWhatWasRefusedFirstAndAlone) {
  PartitionQueue queue(3);
  for (std::uint64_t tag = 1; tag <= 3; ++tag) {
    ASSERT_TRUE(Add(queue, tag));
    queue.Take(tag);
  }
  ASSERT_TRUE(Add(queue, 4));
  queue.Refuse(2, At(100));
  queue.Refuse(1, At(100));
  EXPECT_FALSE(queue.Sendable(At(99)));
  EXPECT_FALSE(queue.Sendable(At(100))) << "batch 3 is still in flight";
  queue.Finish(3);
  ASSERT_TRUE(queue.Sendable(At(100)));
  EXPECT_THAT(queue.Take(10).tags, ElementsAre(1));
  EXPECT_FALSE(queue.Sendable(At(100))) << "nothing may overtake a retry";
  queue.Finish(10);
  EXPECT_THAT(queue.Take(11).tags, ElementsAre(2));
  queue.Finish(11);
  EXPECT_THAT(queue.Take(12).tags, ElementsAre(4));
}

TEST(PartitionQueueTest, KeepsTheOrderWhenARetryIsRefusedAgain) {
  PartitionQueue queue(2);
  for (std::uint64_t tag = 1; tag <= 2; ++tag) {
    ASSERT_TRUE(Add(queue, tag));
    queue.Take(tag);
  }
  queue.Refuse(1, At(1));
  queue.Refuse(2, At(1));
  queue.Take(3);           // the first again
  queue.Refuse(3, At(2));  // and again refused, under a later sequence
  EXPECT_THAT(queue.Take(4).tags, ElementsAre(1));
}

TEST(PartitionQueueTest, UnblockNeedsNoDelay) {
  PartitionQueue queue(1);
  ASSERT_TRUE(Add(queue, 1));
  queue.Take(1);
  queue.Refuse(1, At(1'000'000));
  EXPECT_FALSE(queue.Sendable(At(0)));
  queue.Unblock();
  EXPECT_TRUE(queue.Sendable(At(0)));
}

TEST(PartitionQueueTest, DrainGivesEverythingBackOldestFirst) {
  PartitionQueue queue(2);
  for (std::uint64_t tag = 1; tag <= 2; ++tag) {
    ASSERT_TRUE(Add(queue, tag));
    queue.Take(tag);
  }
  queue.Refuse(1, At(1));
  ASSERT_TRUE(Add(queue, 3));
  std::vector<std::uint64_t> tags;
  for (const OutgoingBatch& batch : queue.Drain()) tags.push_back(batch.tags.front());
  EXPECT_THAT(tags, ElementsAre(1, 2, 3));
  EXPECT_TRUE(queue.empty());
}

TEST(PartitionQueueTest, IgnoresAnswersNobodyWaitsFor) {
  PartitionQueue queue(1);
  EXPECT_FALSE(queue.Finish(7).has_value());
  queue.Refuse(7, At(1));
  EXPECT_FALSE(queue.blocked_until().has_value());
}

}  // namespace
}  // namespace tidemark::client
