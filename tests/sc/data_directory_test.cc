#include "sc/store/data_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_directory.h"

namespace tidemark::sc {
namespace {

using ::testing::HasSubstr;

class DataDirectoryTest : public ::testing::Test {
 protected:
  support::TempDirectory root_;
  const std::string path_ = root_.File("sc");
};

TEST_F(DataDirectoryTest, IsMadeForItsOwnerOnly) {
  const auto directory = DataDirectory::Open(path_);
  ASSERT_TRUE(directory.ok()) << directory.status();
  struct stat stat {};
  ASSERT_EQ(::stat(path_.c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 07777, 0700U);
  ASSERT_EQ(::stat((path_ + "/LOCK").c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 07777, 0600U);
}

TEST_F(DataDirectoryTest, RefusesASecondOwnerUntilTheFirstIsGone) {
  auto first = DataDirectory::Open(path_);
  ASSERT_TRUE(first.ok());
  const auto second = DataDirectory::Open(path_);
  ASSERT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another tidemark-sc runs on it"));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(path_));
  first->reset();
  EXPECT_TRUE(DataDirectory::Open(path_).ok());
}

TEST_F(DataDirectoryTest, RefusesADirectoryThatLetsOthersIn) {
  ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
  ASSERT_EQ(chmod(path_.c_str(), 0755), 0);
  const auto opened = DataDirectory::Open(path_);
  ASSERT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("mode 0755"));
}

TEST_F(DataDirectoryTest, RefusesASymbolicLinkAndAMissingParent) {
  ASSERT_EQ(mkdir(root_.File("real").c_str(), 0700), 0);
  ASSERT_EQ(symlink(root_.File("real").c_str(), path_.c_str()), 0);
  EXPECT_FALSE(DataDirectory::Open(path_).ok());
  EXPECT_EQ(DataDirectory::Open(root_.File("no/sc")).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tidemark::sc
