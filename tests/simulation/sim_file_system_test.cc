#include "tests/simulation/sim_file_system.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "base/errno_status.h"
#include "tests/support/status_matchers.h"

namespace tidemark::simulation {
namespace {

using base::ErrnoOf;
using storage::OpenMode;

constexpr std::int64_t kSmall = 64 * 1024;

class SimFileSystemTest : public testing::Test {
 protected:
  std::unique_ptr<storage::File> Make(const std::string& path) {
    return *system_.Open(path, OpenMode::kCreate);
  }
  static absl::Status Write(storage::File& file, std::int64_t at, char letter, std::size_t count) {
    std::vector<char> bytes(count, letter);
    const iovec slice{bytes.data(), bytes.size()};
    return file.WriteAt(base::FilePosition(at), {&slice, 1});
  }
  static char ReadOne(const storage::File& file, std::int64_t at) {
    std::byte byte{};
    EXPECT_OK(file.ReadAt(base::FilePosition(at), {&byte, 1}).status());
    return static_cast<char>(byte);
  }
  SimFileSystem system_{{.capacity_bytes = kSmall, .inodes = 4}, 1};
};

TEST_F(SimFileSystemTest, AFailedAllocationKeepsWhatItGotUntilTheFileIsGone) {
  const auto file = Make("/v/a");
  EXPECT_EQ(ErrnoOf(file->Allocate(base::FilePosition(0), 2 * kSmall)), ENOSPC);
  EXPECT_EQ(system_.TrueAvailable(), 0);
  ASSERT_OK(system_.RemoveFile("/v/a"));
  EXPECT_EQ(system_.TrueAvailable(), kSmall);
  EXPECT_EQ(system_.enospc_count(), 1U);
}

TEST_F(SimFileSystemTest, InodesRunOutByThemselves) {
  for (int i = 0; i < 4; ++i) Make("/v/" + std::to_string(i));
  EXPECT_EQ(ErrnoOf(system_.Open("/v/5", OpenMode::kCreate).status()), ENOSPC);
}

TEST_F(SimFileSystemTest, APowerCutSparesWhatWasSyncedAndNothingElseForCertain) {
  int lost = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SimFileSystem system({.capacity_bytes = kSmall}, seed);
    const auto file = *system.Open("/v/a", OpenMode::kCreate);
    ASSERT_OK(Write(*file, 0, 'a', 4096));
    ASSERT_OK(file->SyncAll());
    ASSERT_OK(system.SyncDirectory("/v"));
    ASSERT_OK(Write(*file, 4096, 'b', 4096));
    system.Crash(/*power_cut=*/true);
    EXPECT_EQ(ReadOne(*file, 0), 'a');
    if (ReadOne(*file, 8191) != 'b') ++lost;
  }
  EXPECT_GT(lost, 5);
  EXPECT_LT(lost, 35);
}

TEST_F(SimFileSystemTest, AKillLosesNothing) {
  const auto file = Make("/v/a");
  ASSERT_OK(Write(*file, 0, 'a', 4096));
  system_.Crash(/*power_cut=*/false);
  EXPECT_EQ(ReadOne(*file, 100), 'a');
}

TEST_F(SimFileSystemTest, ADeadProcessChangesNothingMore) {
  const auto file = Make("/v/a");
  system_.DieAfter(1);
  ASSERT_OK(Write(*file, 0, 'a', 10));
  EXPECT_FALSE(Write(*file, 0, 'b', 10).ok());
  EXPECT_TRUE(system_.dead());
  EXPECT_FALSE(system_.RemoveFile("/v/a").ok());
  EXPECT_EQ(ReadOne(*file, 0), 'a');
  system_.Crash(false);
  EXPECT_OK(system_.RemoveFile("/v/a"));
}

TEST_F(SimFileSystemTest, AFailedSyncIsNotRepeated) {
  const auto file = Make("/v/a");
  ASSERT_OK(Write(*file, 0, 'a', 10));
  system_.FailNextSync();
  EXPECT_EQ(ErrnoOf(file->SyncData()), EIO);
  EXPECT_OK(file->SyncData());
}

TEST_F(SimFileSystemTest, LateFreesAreNotAvailableBeforeTheyAreReleased) {
  const auto file = Make("/v/a");
  ASSERT_OK(file->Allocate(base::FilePosition(0), 8 * 4096));
  system_.FreeLate(true);
  ASSERT_OK(system_.RemoveFile("/v/a"));
  EXPECT_EQ(system_.TrueAvailable(), kSmall - 8 * 4096);
  system_.ReleaseLate();
  EXPECT_EQ(system_.TrueAvailable(), kSmall);
}

TEST_F(SimFileSystemTest, StatvfsLiesAsItIsTold) {
  EXPECT_EQ(system_.StatFileSystem("/v")->blocks_available, 16U);
  system_.SetMood(StatvfsMood::kAbsurd);
  EXPECT_GT(system_.StatFileSystem("/v")->blocks_available,
            system_.StatFileSystem("/v")->blocks_total);
  system_.SetMood(StatvfsMood::kNoTotal);
  EXPECT_EQ(system_.StatFileSystem("/v")->blocks_total, 0U);
  system_.SetMood(StatvfsMood::kIoError);
  EXPECT_EQ(ErrnoOf(system_.StatFileSystem("/v").status()), EIO);
}

TEST_F(SimFileSystemTest, SmallFilesCanBeRolledBack) {
  const auto file = Make("/v/slots");
  for (char letter : {'a', 'b', 'c'}) {
    ASSERT_OK(Write(*file, 0, letter, 8));
    ASSERT_OK(file->SyncData());
  }
  system_.RollBack("/v/slots", 2);
  EXPECT_EQ(ReadOne(*file, 0), 'a');
}

}  // namespace
}  // namespace tidemark::simulation
