// The reserve where overwriting is an allocation: on btrfs, unless the file is NOCOW.
#include <gmock/gmock.h>

#include "base/byte_size.h"
#include "monitor/reserve_file.h"
#include "storage/fs/posix_file_system.h"
#include "tests/support/foreign_filler.h"
#include "tests/support/small_volume.h"
#include "tests/support/status_matchers.h"

namespace tidemark::monitor {
namespace {

using base::kMiB;
using support::ForeignFiller;
using support::SmallVolume;

constexpr std::int64_t kReserve = 4 * kMiB;

class ReserveOnBtrfsTest : public testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override {
    auto volume = SmallVolume::Create(
        {.kind = SmallVolume::Kind::kBtrfs, .size_bytes = 256 * kMiB, .quota_bytes = GetParam()});
    if (absl::IsUnimplemented(volume.status())) GTEST_SKIP() << volume.status().message();
    ASSERT_OK(volume);
    volume_ = *std::move(volume);
    auto filler = ForeignFiller::Create(volume_->path());
    ASSERT_OK(filler);
    filler_ = *std::move(filler);
  }

  storage::PosixFileSystem disk_;
  std::unique_ptr<SmallVolume> volume_;
  std::unique_ptr<ForeignFiller> filler_;
};

TEST_P(ReserveOnBtrfsTest, IsShownToBeHeldWhenNotABlockIsLeft) {
  ReserveFile reserve(disk_, VolumeLayout(volume_->path()));
  ASSERT_OK(reserve.Take(kReserve).status);
  ASSERT_OK(filler_->FillCompletely());
  for (int i = 0; i < 5; ++i) {
    EXPECT_OK(reserve.Verify(kReserve).status) << "verified " << i << " times before";
    EXPECT_OK(reserve.Take(kReserve).status) << "held already";
    ASSERT_OK(filler_->FillCompletely()) << "takes also what a rewritten block left behind";
  }
}

INSTANTIATE_TEST_SUITE_P(Ends, ReserveOnBtrfsTest, testing::Values(0, 32 * kMiB),
                         [](const auto& quota) { return quota.param == 0 ? "Disk" : "Quota"; });

}  // namespace
}  // namespace tidemark::monitor
