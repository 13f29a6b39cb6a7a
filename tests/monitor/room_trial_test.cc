#include "monitor/room_trial.h"

#include <cerrno>

#include "base/byte_size.h"
#include "base/errno_status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/small_volume_fixture.h"

namespace tidemark::monitor {
namespace {

using base::kMiB;
using support::HasErrno;
using support::Operation;

class RoomTrialTest : public support::OnSmallVolumes {
 protected:
  ReserveResult Run(std::int64_t bytes) {
    return RoomTrial(faulty_, VolumeLayout(path())).Run(bytes);
  }
  bool LeftNothing() { return !disk_.Stat(VolumeLayout(path()).room_trial()).ok(); }

  support::FaultyFileSystem faulty_{disk_};
};

TEST_P(RoomTrialTest, TakesForRealAndLeavesNothing) {
  const std::int64_t before = available_bytes();
  EXPECT_OK(Run(4 * kMiB).status);
  EXPECT_EQ(faulty_.calls(Operation::kAllocate), 1U);
  EXPECT_TRUE(LeftNothing());
  EXPECT_EQ(available_bytes(), before);
  ASSERT_OK(filler().FillUntilLeft(2 * kMiB));
  const ReserveResult result = Run(4 * kMiB);
  EXPECT_THAT(result.status, HasErrno(ENOSPC));
  EXPECT_EQ(result.operation, DiskOperation::kAllocate);
  EXPECT_TRUE(LeftNothing());
  EXPECT_GE(available_bytes(), 2 * kMiB - 64 * base::kKiB);
  EXPECT_OK(Run(kMiB).status);
}

TEST_P(RoomTrialTest, AFailedSyncIsToldAsThatAndLeavesNothing) {
  faulty_.Add({.operation = Operation::kSyncAll, .error_number = ENOSPC});
  const ReserveResult result = Run(kMiB);
  EXPECT_EQ(result.operation, DiskOperation::kSync);
  EXPECT_THAT(result.status, HasErrno(ENOSPC));
  EXPECT_TRUE(LeftNothing());
}

TEST_P(RoomTrialTest, RemovesWhatAnEarlierProcessLeft) {
  ASSERT_OK(disk_.Open(VolumeLayout(path()).room_trial(), storage::OpenMode::kCreate));
  EXPECT_OK(Run(kMiB).status);
  EXPECT_TRUE(LeftNothing());
}

INSTANTIATE_ON_SMALL_VOLUMES(RoomTrialTest);

}  // namespace
}  // namespace tidemark::monitor
