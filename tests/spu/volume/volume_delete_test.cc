// A partition that goes while something is under way for it.
#include <gtest/gtest.h>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

using support::FaultRule;
using support::Operation;

// Its directory is gone when it is synced: that is no fault of the device, or of its neighbours.
TEST(VolumeDeleteTest, APartitionThatGoesWhileItTakesItsStepLeavesTheVolumeWell) {
  VolumeRig rig;
  if (!rig.unavailable().empty()) GTEST_SKIP() << rig.unavailable();
  ASSERT_OK(rig.Open());
  ASSERT_TRUE(rig.AwaitAccepting(true));
  ASSERT_TRUE(rig.Assign(7).ok());
  ASSERT_TRUE(rig.Assign(8).ok());
  rig.disk().Add({.operation = Operation::kSyncDirectory,
                  .path_contains = "/partitions/0",
                  .when = FaultRule::When::kOnly,
                  .hang = true});
  auto appended = rig.AppendAsync(7, support::MakeBatch({}));
  ASSERT_TRUE(support::WaitFor([&] { return rig.disk().hanging() == 1; }, support::kLongWait,
                               "the new segment's directory to be synced"));
  ASSERT_OK(rig.Delete(7));
  rig.disk().Clear();
  EXPECT_TRUE(appended.get().refusal.has_value());
  ASSERT_TRUE(support::WaitFor([&] { return rig.disk().hanging() == 0; }, support::kLongWait,
                               "the step to come back"));
  EXPECT_FALSE(rig.Append(8, {}).refusal.has_value()) << "of another partition";
  EXPECT_TRUE(rig.accepting());
}

}  // namespace
}  // namespace tidemark::spu
