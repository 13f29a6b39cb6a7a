// What drop_oldest may take: our own growth, also across a start.
#include <gtest/gtest.h>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

using support::WaitFor;

TEST(VolumeReclaimTest, AfterAStartANeighboursGrowthDropsNothing) {
  VolumeRig rig;
  if (!rig.unavailable().empty()) GTEST_SKIP() << rig.unavailable();
  tidemark::sc::v1::TopicPolicy policy;
  policy.set_on_full(tidemark::sc::v1::ON_FULL_DROP_OLDEST);
  const auto append = [&](int batches) {
    for (int n = 0; n < batches; ++n) {
      ASSERT_FALSE(
          rig.Append(kPartition, {.records = 64, .value_bytes = 1000}).refusal.has_value());
    }
  };
  const auto dropped = [&] {
    return rig.OnLoop<bool>([](Volume& volume) {
      return volume.Find(base::PartitionId(kPartition))->log().LogStart() > base::Offset(0);
    });
  };
  ASSERT_OK(rig.Open());
  ASSERT_TRUE(rig.AwaitAccepting(true));
  ASSERT_TRUE(rig.Assign(kPartition, policy).ok());
  append(320);
  rig.Close();

  ASSERT_OK(rig.Open());
  ASSERT_TRUE(rig.AwaitAccepting(true));
  ASSERT_TRUE(rig.Assign(kPartition, policy).ok());
  auto filler = support::ForeignFiller::Create(rig.path());
  ASSERT_OK(filler);
  const monitor::Marks marks = rig.durable().marks;
  ASSERT_OK((*filler)->FillUntilLeft(marks.low_bytes - 2 * marks.step_bytes));
  ASSERT_TRUE(WaitFor(
      [&] {
        return rig.OnLoop<bool>([](Volume& volume) { return volume.withheld_bytes() > 0; }) ||
               dropped();
      },
      support::kLongWait, "a reclaim that withholds what is not ours to drop"));
  EXPECT_FALSE(dropped());
  // What grows from here on is ours again.
  append(32);
  EXPECT_TRUE(WaitFor(dropped, support::kLongWait, "the oldest to go for our own growth"));
}

// Some turnovers of the volume, as fast as it goes, with the pause of the product.
TEST(VolumeReclaimTest, ARingWrittenFastGoesOn) {
  VolumeRig rig;
  if (!rig.unavailable().empty()) GTEST_SKIP() << rig.unavailable();
  rig.options().reclaim_pause = VolumeOptions{}.reclaim_pause;
  ASSERT_OK(rig.Open());
  ASSERT_TRUE(rig.AwaitAccepting(true));
  tidemark::sc::v1::TopicPolicy policy;
  policy.set_on_full(tidemark::sc::v1::ON_FULL_DROP_OLDEST);
  ASSERT_TRUE(rig.Assign(kPartition, policy).ok());
  constexpr int kTurnovers = 5;
  constexpr int kBatch = 64 * 1024;
  const auto batches = static_cast<int>(kTurnovers * rig.small().size_bytes() / kBatch);
  int refused = 0;
  for (int n = 0; n < batches && refused <= kTurnovers; ++n) {
    if (!rig.Append(kPartition, {.records = 64, .value_bytes = 1000}).refusal.has_value()) continue;
    ++refused;
    ASSERT_TRUE(rig.AwaitAccepting(true)) << "an episode that drop_oldest does not end";
  }
  EXPECT_LE(refused, kTurnovers);
  EXPECT_LE(rig.durable().episode, base::Episode(kTurnovers));
}

TEST(VolumeReclaimTest, AStartWithinAnEpisodeEndsItByTheOldestAndGoesOn) {
  VolumeRig rig;
  if (!rig.unavailable().empty()) GTEST_SKIP() << rig.unavailable();
  ASSERT_OK(rig.Open());
  ASSERT_TRUE(rig.AwaitAccepting(true));
  ASSERT_TRUE(rig.Assign(kPartition).ok());
  const VolumeRig::Filled filled = rig.Fill(kPartition);
  ASSERT_TRUE(rig.AwaitAccepting(false));
  rig.Kill();

  ASSERT_OK(rig.Open());
  tidemark::sc::v1::TopicPolicy policy;
  policy.set_on_full(tidemark::sc::v1::ON_FULL_DROP_OLDEST);
  ASSERT_TRUE(rig.Assign(kPartition, policy).ok());
  ASSERT_TRUE(rig.AwaitAccepting(true));
  const auto kept = std::ssize(rig.ReadAll(kPartition));
  EXPECT_LT(kept, filled.acknowledged);
  EXPECT_GT(kept, filled.acknowledged * 3 / 4) << "more than it takes";
}

}  // namespace
}  // namespace tidemark::spu
