#include "sc/store/ballast.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/byte_size.h"
#include "tests/support/temp_directory.h"

namespace tidemark::sc {
namespace {

class BallastTest : public ::testing::Test {
 protected:
  void TearDown() override { close(directory_); }
  std::int64_t AllocatedBytes() const {
    struct stat stat {};
    return fstatat(directory_, "reserve", &stat, 0) == 0 ? stat.st_blocks * 512 : -1;
  }

  support::TempDirectory temporary_;
  const int directory_ = open(temporary_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
};

TEST_F(BallastTest, TakesSpaceForRealAndGivesItBack) {
  Ballast ballast(directory_, "reserve", base::kMiB);
  EXPECT_FALSE(ballast.held());
  ASSERT_TRUE(ballast.Take().ok());
  EXPECT_TRUE(ballast.held());
  EXPECT_GE(AllocatedBytes(), base::kMiB);
  EXPECT_TRUE(ballast.Release());
  EXPECT_FALSE(ballast.held());
  EXPECT_EQ(AllocatedBytes(), -1);
  EXPECT_FALSE(ballast.Release());
}

TEST_F(BallastTest, TakesWhatIsMissingOfAReserveThatOnlyLooksWhole) {
  {  // Sparse: the size is right, the blocks are not there.
    const int file = openat(directory_, "reserve", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_EQ(ftruncate(file, base::kMiB), 0);
    close(file);
  }
  ASSERT_LT(AllocatedBytes(), base::kMiB);
  Ballast ballast(directory_, "reserve", base::kMiB);
  ASSERT_TRUE(ballast.Take().ok());
  EXPECT_GE(AllocatedBytes(), base::kMiB);
}

TEST_F(BallastTest, LeavesNothingBehindWhenThereIsNoRoom) {
  Ballast ballast(directory_, "reserve", std::int64_t{1} << 60);
  EXPECT_FALSE(ballast.Take().ok());
  EXPECT_FALSE(ballast.held());
  EXPECT_EQ(AllocatedBytes(), -1);
}

TEST_F(BallastTest, NoReserveIsWantedWithZeroBytes) {
  Ballast ballast(directory_, "reserve", 0);
  EXPECT_TRUE(ballast.held());
  EXPECT_TRUE(ballast.Take().ok());
  EXPECT_FALSE(ballast.Release());
}

}  // namespace
}  // namespace tidemark::sc
