// Fluvio #4528, the bug this project was started for: a full partition, a blink of the connection,
// and the controller shows Online. Each test is one way it, or its cure, lost the state.
#include <gtest/gtest.h>

#include "tests/sc/core/link_simulator.h"

namespace tidemark::sc {
namespace {

constexpr int kFilling = 0;  // this volume runs full
constexpr int kOther = 1;    // this one never does

class SeedBugTest : public testing::Test {
 protected:
  SeedBugTest() {
    simulator_.Settle();
    EXPECT_EQ(simulator_.Status(kFilling), v1::PARTITION_STATUS_ONLINE);
    simulator_.ForgetShown();
  }
  void RunFull() {
    simulator_.Do(simulator_.spu().OutOfSpace(simulator_.volume(kFilling), simulator_.now()));
    simulator_.Settle();
    ASSERT_EQ(simulator_.Status(kFilling), v1::PARTITION_STATUS_OUT_OF_SPACE);
    simulator_.ForgetShown();
  }
  void ExpectOnlyOutOfSpaceWasShown() {
    EXPECT_EQ(simulator_.Status(kFilling), v1::PARTITION_STATUS_OUT_OF_SPACE);
    EXPECT_FALSE(simulator_.EverShown(kFilling, v1::PARTITION_STATUS_ONLINE));
    EXPECT_FALSE(simulator_.EverShown(kFilling, v1::PARTITION_STATUS_LEADER_OFFLINE));
    EXPECT_TRUE(simulator_.checker().violations().empty())
        << simulator_.checker().violations().front();
  }
  LinkSimulator simulator_{4528};
};

TEST_F(SeedBugTest, DisconnectAndReconnectNeverTurnsOutOfSpaceIntoOnline) {
  RunFull();
  for (int i = 0; i < 10; ++i) {
    simulator_.CutStream();
    EXPECT_EQ(simulator_.Status(kFilling), v1::PARTITION_STATUS_OUT_OF_SPACE);
    EXPECT_FALSE(simulator_.Verdict(kFilling).reachable);
    EXPECT_EQ(simulator_.Status(kOther), v1::PARTITION_STATUS_LEADER_OFFLINE);
    simulator_.Settle(std::chrono::seconds(10));
    EXPECT_TRUE(simulator_.Verdict(kFilling).reachable);
    EXPECT_EQ(simulator_.Status(kOther), v1::PARTITION_STATUS_ONLINE);
  }
  ExpectOnlyOutOfSpaceWasShown();
}

// In Fluvio any LRS message sets Online.
TEST_F(SeedBugTest, OffsetsAndSizesNeverTurnOutOfSpaceIntoOnline) {
  RunFull();
  for (int i = 0; i < 5; ++i) {
    v1::PartitionProgress progress;
    progress.set_partition_id(1);
    progress.set_durable_end(1000 + i);
    simulator_.spu().link().SetProgress({progress});
    if (i % 2 == 0) simulator_.CutStream();
    simulator_.Settle(std::chrono::seconds(8));
  }
  EXPECT_EQ(simulator_.core().spus().at("spu-a").progress.at(base::PartitionId(1)).durable_end(),
            1004);
  ExpectOnlyOutOfSpaceWasShown();
}

// In Fluvio a restarted SPU sends an LRS, and never looks at the disk.
TEST_F(SeedBugTest, ARestartOfTheSpuNeverTurnsOutOfSpaceIntoOnline) {
  RunFull();
  simulator_.RestartSpu();
  simulator_.Settle(std::chrono::seconds(10));
  ExpectOnlyOutOfSpaceWasShown();
}

TEST_F(SeedBugTest, ARestartOfTheControllerNeverTurnsOutOfSpaceIntoOnline) {
  RunFull();
  simulator_.RestartController();
  EXPECT_EQ(simulator_.Status(kOther), v1::PARTITION_STATUS_LEADER_OFFLINE);
  simulator_.Settle(std::chrono::seconds(10));
  ExpectOnlyOutOfSpaceWasShown();
}

// In Fluvio the one report is taken out of its queue before it is sent.
TEST_F(SeedBugTest, ALostReportIsSaidAgainUntilItIsAcknowledged) {
  simulator_.Do(simulator_.spu().OutOfSpace(simulator_.volume(kFilling), simulator_.now()));
  simulator_.LoseRequests();
  simulator_.Settle();
  EXPECT_EQ(simulator_.Status(kFilling), v1::PARTITION_STATUS_OUT_OF_SPACE);
}

TEST_F(SeedBugTest, AReportLostWithItsConnectionIsSaidAgainAfterTheReconnect) {
  simulator_.Do(simulator_.spu().OutOfSpace(simulator_.volume(kFilling), simulator_.now()));
  simulator_.CutStream();
  EXPECT_EQ(simulator_.Status(kFilling), v1::PARTITION_STATUS_LEADER_OFFLINE);
  simulator_.ForgetShown();
  simulator_.Settle(std::chrono::seconds(10));
  EXPECT_EQ(simulator_.Status(kFilling), v1::PARTITION_STATUS_OUT_OF_SPACE);
  EXPECT_FALSE(simulator_.EverShown(kFilling, v1::PARTITION_STATUS_ONLINE));
}

TEST_F(SeedBugTest, OnlyAProofOfReclaimTurnsOutOfSpaceIntoOnline) {
  RunFull();
  simulator_.Do(simulator_.spu().Reclaim(simulator_.volume(kFilling), simulator_.now()));
  simulator_.Settle();
  EXPECT_EQ(simulator_.Status(kFilling), v1::PARTITION_STATUS_ONLINE);
  EXPECT_EQ(simulator_.CountEvents("volume.space_reclaimed", ""), 1u);
}

}  // namespace
}  // namespace tidemark::sc
