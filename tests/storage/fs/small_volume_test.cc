// The rig itself: a neighbour that does not really eat the space would make every other test lie.
#include "tests/support/small_volume.h"

#include <filesystem>
#include <tuple>

#include "base/byte_size.h"
#include "storage/fs/posix_file_system.h"
#include "tests/support/await.h"
#include "tests/support/foreign_filler.h"
#include "tests/support/status_matchers.h"

namespace tidemark::support {
namespace {

using storage::JoinPath;
using storage::OpenMode;

class SmallVolumeTest : public testing::TestWithParam<SmallVolume::Kind> {
 protected:
  void SetUp() override {
    auto volume =
        SmallVolume::Create({.kind = GetParam(), .size_bytes = 32 * base::kMiB, .inodes = 512});
    if (volume.status().code() == absl::StatusCode::kUnimplemented) {
      GTEST_SKIP() << volume.status().message();
    }
    ASSERT_OK(volume);
    volume_ = *std::move(volume);
    auto filler = ForeignFiller::Create(volume_->path());
    ASSERT_OK(filler);
    filler_ = *std::move(filler);
  }
  std::int64_t Bytes() const { return *ForeignFiller::AvailableBytes(volume_->path()); }
  std::int64_t Inodes() const { return *ForeignFiller::AvailableInodes(volume_->path()); }

  storage::PosixFileSystem disk_;
  std::unique_ptr<SmallVolume> volume_;
  std::unique_ptr<ForeignFiller> filler_;
};

TEST_P(SmallVolumeTest, NeighbourTakesAllBytesAndGivesThemBack) {
  const std::int64_t before = Bytes();
  EXPECT_GT(before, 16 * base::kMiB);
  EXPECT_LE(before, 32 * base::kMiB);
  ASSERT_OK(filler_->FillUntilLeft(base::kMiB));
  EXPECT_LE(Bytes(), base::kMiB);
  EXPECT_GE(Bytes(), base::kMiB - 64 * base::kKiB);
  ASSERT_OK(filler_->FillCompletely());
  EXPECT_EQ(Bytes(), 0);
  ASSERT_OK(filler_->Free());
  EXPECT_GE(Bytes(), before - 64 * base::kKiB);
}

TEST_P(SmallVolumeTest, NeighbourTakesAllInodesAndGivesThemBack) {
  const std::int64_t before = Inodes();
  ASSERT_OK(filler_->TakeInodesUntilLeft(0));
  EXPECT_EQ(Inodes(), 0);
  EXPECT_THAT(disk_.Open(JoinPath(volume_->path(), "a"), OpenMode::kCreate),
              StatusIs(absl::StatusCode::kResourceExhausted));
  ASSERT_OK(filler_->FreeInodes());
  EXPECT_EQ(Inodes(), before);
}

TEST_P(SmallVolumeTest, GrabbingNeighbourTakesWhateverBecomesFree) {
  ASSERT_OK(filler_->FillCompletely());
  const std::int64_t at_rest = filler_->grabbed_bytes();
  ASSERT_OK(filler_->StartGrabbing());
  ASSERT_OK(filler_->DeleteButKeepOpen());
  EXPECT_EQ(Bytes(), 0) << "deleted but open: nothing came back";
  EXPECT_EQ(filler_->grabbed_bytes(), at_rest);
  ASSERT_OK(filler_->Free());  // the grabber is at it while this frees
  EXPECT_TRUE(WaitFor([&] { return filler_->grabbed_bytes() > 16 * base::kMiB; }, kLongWait,
                      "the neighbour to grab it all"));
  ASSERT_OK(filler_->StopGrabbing());
  EXPECT_EQ(Bytes(), 0) << "what was grabbed stays taken";
  ASSERT_OK(filler_->Free());
  EXPECT_GT(Bytes(), 16 * base::kMiB);
}

TEST_P(SmallVolumeTest, UnmountLeavesTheBareMountPoint) {
  ASSERT_OK(disk_.Open(JoinPath(volume_->path(), "a"), OpenMode::kCreate));
  const auto device = disk_.StatFileSystem(volume_->path())->device_id;
  filler_.reset();
  ASSERT_OK(volume_->Unmount());
  EXPECT_NE(disk_.StatFileSystem(volume_->path())->device_id, device);
  EXPECT_THAT(disk_.Stat(JoinPath(volume_->path(), "a")), StatusIs(absl::StatusCode::kNotFound));
  if (GetParam() == SmallVolume::Kind::kTmpfs) return;
  ASSERT_OK(volume_->MountAgain());
  EXPECT_OK(disk_.Stat(JoinPath(volume_->path(), "a")));
}

TEST_P(SmallVolumeTest, LeavesNothingBehind) {
  const std::string home = std::filesystem::path(volume_->path()).parent_path().string();
  filler_.reset();
  volume_.reset();
  EXPECT_FALSE(std::filesystem::exists(home));
}

INSTANTIATE_TEST_SUITE_P(Kinds, SmallVolumeTest,
                         testing::Values(SmallVolume::Kind::kExt4, SmallVolume::Kind::kTmpfs),
                         [](const auto& info) {
                           return info.param == SmallVolume::Kind::kExt4 ? "Ext4" : "Tmpfs";
                         });

}  // namespace
}  // namespace tidemark::support
