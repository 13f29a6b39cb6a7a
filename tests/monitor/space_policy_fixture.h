// A policy on a disk in memory, brought to where a test begins: Ready, or full and told so.
//
// No test ends with a promise broken, whatever else it looks at.
//
// Threading: used from the test's thread.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/monitor/policy_rig.h"

namespace tidemark::monitor {

class SpacePolicyTest : public testing::Test {
 protected:
  ~SpacePolicyTest() override { EXPECT_THAT(rig_.checker_.violations, testing::IsEmpty()); }

  void BecomeReady() {
    rig_.MakeReady();
    ASSERT_TRUE(rig_.RunUntilOpen(std::chrono::seconds(1)));
    rig_.trace_.clear();
    rig_.reports_.clear();
  }
  // Readings show nothing of one: only who takes the gap for real finds it.
  void ExpectAQuotaKeepsItClosed() {
    rig_.quota_left_ = 0;
    rig_.Run(std::chrono::minutes(1));
    EXPECT_FALSE(policy().gate_open());
    EXPECT_GT(rig_.trials_, 0);
    rig_.quota_left_ = PolicyRig::kCapacity;
    EXPECT_TRUE(rig_.RunUntilOpen(std::chrono::seconds(60)));
  }
  void BecomeFull() {
    BecomeReady();
    rig_.Fill(rig_.marks().full_bytes - 1);
    rig_.Do(event::PollNow{});
    ASSERT_TRUE(rig_.RunUntil([this] { return rig_.on_disk_.holds.space.has_value(); },
                              std::chrono::seconds(1)));
    rig_.Run(std::chrono::milliseconds(10));
    rig_.trace_.clear();
    rig_.reports_.clear();
  }
  SpacePolicy& policy() { return rig_.policy(); }
  const HoldSet& durable() { return rig_.on_disk_.holds; }
  Explanation Explain() { return policy().Explain(rig_.now()); }

  PolicyRig rig_;
};

}  // namespace tidemark::monitor
