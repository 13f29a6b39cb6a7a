// The rig itself: a neighbour that does not really eat the space would make every other test lie.
#include "tests/support/small_volume.h"

#include <cerrno>
#include <filesystem>

#include "base/byte_size.h"
#include "base/errno_status.h"
#include "tests/support/await.h"
#include "tests/support/file_system_tools.h"
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

TEST_P(SmallVolumeTest, GrabbingNeighbourTakesEveryInodeThatBecomesFree) {
  const std::int64_t before = available_inodes();
  ASSERT_OK(filler().TakeInodesUntilLeft(0));
  ASSERT_OK(filler().StartGrabbing(ForeignFiller::Prey::kInodes));
  ASSERT_OK(filler().FreeInodes());
  const auto all = [&] { return available_inodes() == 0 && filler().grabbed_inodes() > 256; };
  EXPECT_TRUE(WaitFor(all, kLongWait, "the neighbour to grab the inodes"));
  ASSERT_OK(filler().StopGrabbing());
  EXPECT_EQ(available_inodes(), 0) << "what was grabbed stays taken";
  ASSERT_OK(filler().Free());
  EXPECT_EQ(available_inodes(), before);
}

INSTANTIATE_ON_SMALL_VOLUMES(SmallVolumeTest);

// What the small tests need is there; that it really grows, and counts what it should.
TEST(SmallVolumeKindsTest, EveryKindGrows) {
  const SmallVolume::Options kinds[] = {
      {.kind = SmallVolume::Kind::kTmpfs, .size_bytes = 16 * base::kMiB, .inodes = 100},
      {.kind = SmallVolume::Kind::kExt4,
       .size_bytes = 64 * base::kMiB,
       .inodes = 256,
       .blocks_per_group = 8192},
      {.kind = SmallVolume::Kind::kXfs, .size_bytes = 300 * base::kMiB},
      {.kind = SmallVolume::Kind::kBtrfs, .size_bytes = 256 * base::kMiB},
  };
  for (const SmallVolume::Options& options : kinds) {
    const auto volume = SmallVolume::Create(options);
    if (absl::IsUnimplemented(volume.status())) continue;  // the disks' cases skip by name
    ASSERT_OK(volume);
    const auto filler = ForeignFiller::Create((*volume)->path());
    ASSERT_OK(filler);
    const std::int64_t bytes = *ForeignFiller::AvailableBytes((*volume)->path());
    const std::int64_t inodes = *ForeignFiller::AvailableInodes((*volume)->path());
    constexpr std::int64_t kGrowth = 64 * base::kMiB;
    const absl::Status grown = (*volume)->Grow(kGrowth);
    if (absl::IsUnimplemented(grown)) {
      (*filler)->LetGo();
      ASSERT_OK((*volume)->GrowUnmounted(kGrowth));
      ASSERT_OK((*filler)->ComeBack());
    } else {
      ASSERT_OK(grown);
    }
    EXPECT_GE(*ForeignFiller::AvailableBytes((*volume)->path()), bytes + kGrowth * 3 / 4);
    if (options.inodes > 0) {
      EXPECT_GE(*ForeignFiller::AvailableInodes((*volume)->path()), inodes * 2);
    }
  }
}

TEST(SmallVolumeKindsTest, ABtrfsQuotaEndsBeforeTheVolumeDoes) {
  constexpr std::int64_t kQuota = 32 * base::kMiB;
  const auto volume = SmallVolume::Create(
      {.kind = SmallVolume::Kind::kBtrfs, .size_bytes = 256 * base::kMiB, .quota_bytes = kQuota});
  if (absl::IsUnimplemented(volume.status())) GTEST_SKIP() << volume.status().message();
  ASSERT_OK(volume);
  const auto filler = ForeignFiller::Create((*volume)->path());
  ASSERT_OK(filler);
  EXPECT_EQ(base::ErrnoOf((*filler)->Take(kQuota + base::kMiB)), EDQUOT);
  ASSERT_OK((*filler)->FillCompletely());
  ASSERT_OK_AND_ASSIGN(const std::int64_t used, BtrfsQuotaUsed((*volume)->path()));
  EXPECT_GT(used, kQuota - base::kMiB);
  EXPECT_LE(used, kQuota);
  EXPECT_GT(*ForeignFiller::AvailableBytes((*volume)->path()), 2 * kQuota);
  ASSERT_OK((*volume)->GrowQuota(kQuota));
  EXPECT_OK((*filler)->Take(kQuota / 2));
}

}  // namespace
}  // namespace tidemark::support
