#include "monitor/pinned_space.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/byte_size.h"
#include "tests/support/small_volume_fixture.h"
#include "tests/support/temp_directory.h"

namespace tidemark::monitor {
namespace {

using base::kMiB;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class PinnedSpaceTest : public support::OnSmallVolumes {
 protected:
  PinnedSpace Find(std::size_t max_files = 10) {
    return FindPinnedSpace(disk_.StatFileSystem(path())->device_id, max_files);
  }
};

TEST_P(PinnedSpaceTest, NamesTheHolderOfADeletedFile) {
  ASSERT_OK(filler().Take(2 * kMiB));
  EXPECT_THAT(Find().files, SizeIs(0)) << "not deleted yet";
  ASSERT_OK(filler().DeleteButKeepOpen());
  const PinnedSpace pinned = Find();
  ASSERT_THAT(pinned.files, SizeIs(1));
  EXPECT_EQ(pinned.files[0].pid, ::getpid());
  EXPECT_THAT(pinned.files[0].path, HasSubstr("/filling"));
  EXPECT_THAT(pinned.files[0].path, testing::Not(HasSubstr("deleted")));
  std::string own_name;
  std::ifstream("/proc/self/comm") >> own_name;
  EXPECT_EQ(pinned.files[0].command, own_name);
  EXPECT_GE(pinned.allocated_bytes, 2 * kMiB);
  ASSERT_OK(filler().Free());
  EXPECT_THAT(Find().files, SizeIs(0));
}

TEST_P(PinnedSpaceTest, CountsAFileOnceAndShowsTheLargestFirst) {
  ASSERT_OK(filler().Take(kMiB));
  ASSERT_OK(filler().DeleteButKeepOpen());
  ASSERT_OK(filler().Take(3 * kMiB));
  ASSERT_OK(filler().DeleteButKeepOpen());
  ASSERT_OK(filler().StartGrabbing());  // a child: it inherits, and closes what is not its own
  ASSERT_OK(filler().StopGrabbing());
  const PinnedSpace pinned = Find(1);
  EXPECT_THAT(pinned.files, SizeIs(1));
  EXPECT_GE(pinned.files[0].allocated_bytes, 3 * kMiB);
  EXPECT_GE(pinned.allocated_bytes, 4 * kMiB) << "the sum is over all";
}

TEST_P(PinnedSpaceTest, SeesOnlyTheDeviceItWasAskedFor) {
  ASSERT_OK(filler().Take(kMiB));
  ASSERT_OK(filler().DeleteButKeepOpen());
  EXPECT_THAT(FindPinnedSpace(1, 10).files, SizeIs(0));
}

INSTANTIATE_ON_SMALL_VOLUMES(PinnedSpaceTest);

TEST(PinnedSpaceProcTest, CountsProcessesItMayNotRead) {
  support::TempDirectory proc;
  std::filesystem::create_directories(proc.File("12"));
  std::ofstream(proc.File("12/fd")) << "not a directory";
  std::filesystem::create_directories(proc.File("self/fd"));
  EXPECT_EQ(FindPinnedSpace(1, 10, proc.path()).unreadable_processes, 1);
  EXPECT_EQ(FindPinnedSpace(1, 10, proc.File("none")).unreadable_processes, 0);
}

}  // namespace
}  // namespace tidemark::monitor
