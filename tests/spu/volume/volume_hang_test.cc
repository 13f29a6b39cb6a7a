// A disk that hangs, statvfs and writes alike: nothing can be made durable, and nothing may be
// vouched for.
#include <gtest/gtest.h>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

using support::Operation;
using support::WaitFor;

TEST(VolumeHangTest, WhatCannotBeWrittenDownIsNotVouchedFor) {
  VolumeRig rig;
  if (!rig.unavailable().empty()) GTEST_SKIP() << rig.unavailable();
  ASSERT_OK(rig.Open());
  ASSERT_TRUE(rig.AwaitAccepting(true));
  ASSERT_TRUE(WaitFor([&] { return rig.durable().generation.value() > 0; }, support::kLongWait,
                      "a record"));
  const auto unvouched_for = [&rig] {
    return rig.OnLoop<base::Duration>([](Volume& volume) {
      return volume.driver()->policy().unvouched_for(volume.Now().monotonic);
    });
  };
  EXPECT_EQ(unvouched_for(), base::Duration(0));
  rig.disk().Add({.operation = Operation::kStatFileSystem, .hang = true});
  rig.disk().Add({.operation = Operation::kWriteAt, .hang = true});
  ASSERT_TRUE(rig.AwaitAccepting(false));
  EXPECT_TRUE(rig.durable().holds.empty()) << "what is on the disk";
  EXPECT_TRUE(WaitFor([&] { return unvouched_for() > std::chrono::milliseconds(500); },
                      support::kLongWait, "the record to be late"));
  rig.disk().Clear();
  rig.disk().Release();
  EXPECT_TRUE(rig.AwaitAccepting(true));
  EXPECT_EQ(unvouched_for(), base::Duration(0));
}

}  // namespace
}  // namespace tidemark::spu
