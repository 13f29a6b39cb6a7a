// The reserve of a running volume: given up only for an unlink that has no room, and missed at
// once.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

using support::Operation;
using support::WaitFor;

class VolumeReserveTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
    ASSERT_OK(rig_.Open());
    ASSERT_TRUE(rig_.AwaitAccepting(true));
    ASSERT_TRUE(rig_.Assign(kPartition).ok());
  }
  std::string reserve() const { return monitor::VolumeLayout(rig_.path()).reserve(); }
  base::Episode episode() { return rig_.durable().episode; }

  VolumeRig rig_;
};

TEST_F(VolumeReserveTest, AnUnlinkThatHasNoRoomTakesTheReserveAndIsDone) {
  const VolumeRig::Filled filled = rig_.Fill(kPartition);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  // As a full btrfs: no file goes before there is room for it.
  bool reserve_gone = false;
  const auto full = rig_.disk().Add(
      {.operation = Operation::kRemoveFile, .path_contains = ".log", .error_number = ENOSPC});
  rig_.disk().Add({.operation = Operation::kRemoveFile, .path_contains = "/reserve", .before = [&] {
                     reserve_gone = true;
                     rig_.disk().Remove(full);
                   }});
  const TrimResult trimmed = rig_.Trim(kPartition, base::Offset(filled.acknowledged / 2));
  EXPECT_TRUE(reserve_gone);
  EXPECT_GT(trimmed.freed_bytes, 0);
  // Taken anew for the proof, in an episode that may have been the one before.
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  EXPECT_GE(rig_.durable().last_proof->reserve_bytes, rig_.durable().marks.reserve_bytes);
  EXPECT_TRUE(std::filesystem::exists(reserve()));
}

TEST_F(VolumeReserveTest, AnUnlinkThatFailsForAnotherReasonLeavesTheReserve) {
  const VolumeRig::Filled filled = rig_.Fill(kPartition);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  const auto stuck = rig_.disk().Add(
      {.operation = Operation::kRemoveFile, .path_contains = ".log", .error_number = EBUSY});
  rig_.Trim(kPartition, base::Offset(filled.acknowledged / 2));
  EXPECT_TRUE(std::filesystem::exists(reserve()));
  rig_.disk().Remove(stuck);
}

TEST_F(VolumeReserveTest, ALostReserveEndsOnlineUntilItIsHeldAgain) {
  const base::Episode before = episode();
  std::filesystem::remove(reserve());
  ASSERT_TRUE(WaitFor([&] { return episode() > before; }, support::kLongWait,
                      "an episode for the lost reserve"));
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  EXPECT_EQ(rig_.durable().last_proof->episode, episode());
  EXPECT_GE(std::filesystem::file_size(reserve()),
            static_cast<std::uintmax_t>(rig_.durable().marks.reserve_bytes));
}

// Between the taking and the reading after it: a proof must not count on what is gone again.
TEST_F(VolumeReserveTest, AReserveThatGoesWhileItsProofIsUnderWayProvesNothing) {
  const VolumeRig::Filled filled = rig_.Fill(kPartition);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  std::filesystem::remove(reserve());
  ASSERT_TRUE(WaitFor([&] { return rig_.explanation().volume().room().reserve_bytes() == 0; },
                      support::kLongWait, "the lost reserve to be seen"));
  // Who takes it looks at it once when it is whole. Before the next look, a reading's, it goes.
  const auto whole = static_cast<std::uintmax_t>(rig_.durable().marks.reserve_bytes);
  std::atomic<int> looks = 0;
  rig_.disk().Add(
      {.operation = Operation::kStat, .path_contains = "/reserve", .before = [&, whole] {
         std::error_code none;
         const std::uintmax_t held = std::filesystem::file_size(reserve(), none);
         if (none || held < whole || ++looks != 2) return;
         std::filesystem::remove(reserve());
       }});
  rig_.Trim(kPartition, base::Offset(filled.acknowledged / 2));
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  EXPECT_TRUE(std::filesystem::exists(reserve()));
  EXPECT_GE(looks, 2);
  EXPECT_EQ(episode(), base::Episode(1));
  EXPECT_EQ(rig_.durable().last_proof->episode, base::Episode(1));
}

// umount -l: the path shows what lies below it, which is no verdict on the reserve.
TEST_F(VolumeReserveTest, AReserveOutOfSightIsNotLost) {
  const base::Episode before = episode();
  rig_.disk().Add(
      {.operation = Operation::kStat, .path_contains = rig_.path(), .error_number = ENOENT});
  ASSERT_TRUE(WaitFor([&] { return rig_.device_fault().has_value(); }, support::kLongWait,
                      "the volume to be missed"));
  EXPECT_EQ(rig_.device_fault()->cause, monitor::DeviceCause::kMissingVolume);
  EXPECT_FALSE(rig_.holds().space.has_value());
  EXPECT_EQ(episode(), before);
}

TEST_F(VolumeReserveTest, AReserveThatWasCutShortIsLost) {
  const base::Episode before = episode();
  std::filesystem::resize_file(reserve(), 4096);
  EXPECT_TRUE(WaitFor([&] { return episode() > before; }, support::kLongWait,
                      "an episode for the lost reserve"));
}

}  // namespace
}  // namespace tidemark::spu
