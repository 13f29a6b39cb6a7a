// The log on a thin volume: what was written is in the page cache, and the sync says that it is not
// on the disk.
#include <string>
#include <vector>

#include "base/byte_size.h"
#include "storage/fs/posix_file_system.h"
#include "tests/storage/log/log_rig.h"
#include "tests/support/foreign_filler.h"
#include "tests/support/small_volume.h"

namespace tidemark::storage {
namespace {

using base::kMiB;
using support::ForeignFiller;
using support::SmallVolume;

class ThinVolumeTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pool = SmallVolume::Create(
        {.kind = SmallVolume::Kind::kExt4, .size_bytes = 64 * kMiB, .inodes = 64});
    if (absl::IsUnimplemented(pool.status())) GTEST_SKIP() << pool.status().message();
    ASSERT_OK(pool);
    pool_ = *std::move(pool);
    auto volume = SmallVolume::Create({.kind = SmallVolume::Kind::kExt4,
                                       .size_bytes = 96 * kMiB,
                                       .image_directory = pool_->path(),
                                       .backed_bytes = 20 * kMiB});
    if (absl::IsUnimplemented(volume.status())) GTEST_SKIP() << volume.status().message();
    ASSERT_OK(volume);
    volume_ = *std::move(volume);
    ASSERT_OK_AND_ASSIGN(filler_, ForeignFiller::Create(pool_->path()));
    partitions_ = JoinPath(volume_->path(), kPartitionsDirectory);
    ASSERT_OK(disk_.CreateDirectory(partitions_));
    rig_.emplace(disk_, partitions_,
                 LogOptions{.segment_bytes = 64 * kMiB, .step_bytes = 64 * kMiB});
    ASSERT_OK(rig_->Create());
    ASSERT_OK(rig_->Open());
  }

  // Nothing of the filesystem stays in memory: as after a power cut.
  void ForgetTheCache() {
    rig_.reset();
    ASSERT_OK(volume_->Unmount());
    ASSERT_OK(volume_->MountAgain());
    rig_.emplace(disk_, partitions_,
                 LogOptions{.segment_bytes = 64 * kMiB, .step_bytes = 64 * kMiB});
    ASSERT_OK(rig_->Open());
  }

  // Until a sync fails.
  void AppendUntilTheSyncFails() {
    constexpr int kMore = 500;
    for (int i = 0; i < kMore; ++i) {
      const auto appended = Append();
      if (!appended.ok()) return;
    }
    FAIL() << "the pool is full, and every sync worked";
  }
  absl::StatusOr<base::Offset> Append() {
    auto appended = rig_->Append({.value_bytes = 400'000, .tag = absl::StrFormat("%d.", tags_)});
    if (appended.ok()) acknowledged_.emplace_back(*appended, absl::StrFormat("%d.", tags_));
    ++tags_;
    return appended;
  }
  void ExpectAllAcknowledged() {
    EXPECT_TRUE(rig_->recovered().damages.empty()) << rig_->recovered().damages.front().what;
    ASSERT_OK_AND_ASSIGN(const auto values,
                         rig_->Values(base::Offset(0), Isolation::kDurable, 256 * kMiB));
    for (const auto& [offset, tag] : acknowledged_) {
      ASSERT_LT(offset.value(), std::ssize(values)) << "record " << tag << " is gone";
      EXPECT_TRUE(values[static_cast<std::size_t>(offset.value())].starts_with(tag))
          << tag << " at offset " << offset.value();
    }
  }

  PosixFileSystem disk_;
  std::unique_ptr<SmallVolume> pool_;
  std::unique_ptr<SmallVolume> volume_;
  std::unique_ptr<ForeignFiller> filler_;
  std::string partitions_;
  std::optional<LogRig> rig_;
  std::vector<std::pair<base::Offset, std::string>> acknowledged_;
  int tags_ = 0;
};

TEST_F(ThinVolumeTest, AfterAFailedSyncARestartBelievesTheDiskAndNotThePageCache) {
  for (int i = 0; i < 5; ++i) ASSERT_OK(Append());
  ASSERT_OK(filler_->FillCompletely());
  AppendUntilTheSyncFails();
  ASSERT_OK(filler_->Free());
  ASSERT_OK(rig_->Reopen());
  const base::Offset end = rig_->log().LogEnd();
  for (int i = 0; i < 5; ++i) ASSERT_OK(Append());
  ExpectAllAcknowledged();
  ForgetTheCache();
  ExpectAllAcknowledged();
  EXPECT_EQ(rig_->log().LogEnd(), end + 5);
}

}  // namespace
}  // namespace tidemark::storage
