// The rig itself: a neighbour that does not really eat the space would make every other test lie.
#include "tests/support/small_volume.h"

#include <filesystem>

#include "base/byte_size.h"
#include "tests/support/await.h"
#include "tests/support/small_volume_fixture.h"

namespace tidemark::support {
namespace {

using storage::JoinPath;
using storage::OpenMode;

class SmallVolumeTest : public OnSmallVolumes {};

TEST_P(SmallVolumeTest, NeighbourTakesAllBytesAndGivesThemBack) {
  const std::int64_t before = available_bytes();
  EXPECT_GT(before, 16 * base::kMiB);
  EXPECT_LE(before, 32 * base::kMiB);
  ASSERT_OK(filler().FillUntilLeft(base::kMiB));
  EXPECT_LE(available_bytes(), base::kMiB);
  EXPECT_GE(available_bytes(), base::kMiB - 64 * base::kKiB);
  ASSERT_OK(filler().FillCompletely());
  EXPECT_EQ(available_bytes(), 0);
  ASSERT_OK(filler().Free());
  EXPECT_GE(available_bytes(), before - 64 * base::kKiB);
}

TEST_P(SmallVolumeTest, NeighbourTakesAllInodesAndGivesThemBack) {
  const std::int64_t before = available_inodes();
  ASSERT_OK(filler().TakeInodesUntilLeft(0));
  EXPECT_EQ(available_inodes(), 0);
  EXPECT_THAT(disk_.Open(JoinPath(path(), "a"), OpenMode::kCreate),
              StatusIs(absl::StatusCode::kResourceExhausted));
  ASSERT_OK(filler().FreeInodes());
  EXPECT_EQ(available_inodes(), before);
}

TEST_P(SmallVolumeTest, GrabbingNeighbourTakesWhateverBecomesFree) {
  ASSERT_OK(filler().FillCompletely());
  const std::int64_t at_rest = filler().grabbed_bytes();
  ASSERT_OK(filler().StartGrabbing());
  ASSERT_OK(filler().DeleteButKeepOpen());
  EXPECT_EQ(available_bytes(), 0) << "deleted but open: nothing came back";
  EXPECT_EQ(filler().grabbed_bytes(), at_rest);
  ASSERT_OK(filler().Free());  // the grabber is at it while this frees
  EXPECT_TRUE(WaitFor([&] { return filler().grabbed_bytes() > 16 * base::kMiB; }, kLongWait,
                      "the neighbour to grab it all"));
  ASSERT_OK(filler().StopGrabbing());
  EXPECT_EQ(available_bytes(), 0) << "what was grabbed stays taken";
  ASSERT_OK(filler().Free());
  EXPECT_GT(available_bytes(), 16 * base::kMiB);
}

TEST_P(SmallVolumeTest, UnmountLeavesTheBareMountPoint) {
  ASSERT_OK(disk_.Open(JoinPath(path(), "a"), OpenMode::kCreate));
  const auto device = disk_.StatFileSystem(path())->device_id;
  RemoveFiller();
  ASSERT_OK(volume().Unmount());
  EXPECT_NE(disk_.StatFileSystem(path())->device_id, device);
  EXPECT_THAT(disk_.Stat(JoinPath(path(), "a")), StatusIs(absl::StatusCode::kNotFound));
  if (GetParam() == SmallVolume::Kind::kTmpfs) return;
  ASSERT_OK(volume().MountAgain());
  EXPECT_OK(disk_.Stat(JoinPath(path(), "a")));
}

TEST_P(SmallVolumeTest, LeavesNothingBehind) {
  ASSERT_OK_AND_ASSIGN(auto another, SmallVolume::Create({.kind = GetParam()}));
  const std::string home = std::filesystem::path(another->path()).parent_path().string();
  ASSERT_TRUE(std::filesystem::exists(home));
  another.reset();
  EXPECT_FALSE(std::filesystem::exists(home));
}

INSTANTIATE_ON_SMALL_VOLUMES(SmallVolumeTest);

}  // namespace
}  // namespace tidemark::support
