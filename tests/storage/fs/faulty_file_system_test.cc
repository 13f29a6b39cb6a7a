#include "tests/support/faulty_file_system.h"

#include <cerrno>
#include <string>
#include <thread>

#include "storage/fs/posix_file_system.h"
#include "tests/support/await.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::support {
namespace {

using base::FilePosition;
using storage::OpenMode;
using When = FaultRule::When;

class FaultyFileSystemTest : public testing::Test {
 protected:
  storage::PosixFileSystem real_;
  FaultyFileSystem disk_{real_};
  TempDirectory home_;
};

TEST_F(FaultyFileSystemTest, CountsEveryCallAndPassesItOn) {
  ASSERT_OK_AND_ASSIGN(const auto file, disk_.Open(home_.File("a"), OpenMode::kCreate));
  ASSERT_OK(file->Allocate(FilePosition(0), 4096));
  ASSERT_OK(file->SyncAll());
  ASSERT_OK(disk_.Stat(home_.File("a")));
  EXPECT_EQ(disk_.calls(Operation::kAllocate), 1U);
  EXPECT_EQ(disk_.calls(Operation::kChange), 3U);
  EXPECT_EQ(disk_.calls(Operation::kAny), 4U);
}

TEST_F(FaultyFileSystemTest, FailsTheCallsTheRuleNames) {
  ASSERT_OK_AND_ASSIGN(const auto a, disk_.Open(home_.File("a"), OpenMode::kCreate));
  ASSERT_OK_AND_ASSIGN(const auto b, disk_.Open(home_.File("b"), OpenMode::kCreate));
  disk_.Add({.operation = Operation::kSyncData,
             .path_contains = "/a",
             .when = When::kOnly,
             .nth = 2,
             .error_number = EIO});
  disk_.Add({.operation = Operation::kSyncData,
             .path_contains = "/b",
             .when = When::kFrom,
             .nth = 2,
             .error_number = ENOSPC});
  EXPECT_OK(a->SyncData());
  EXPECT_THAT(a->SyncData(), HasErrno(EIO));
  EXPECT_OK(a->SyncData());
  EXPECT_OK(b->SyncData());
  EXPECT_THAT(b->SyncData(), HasErrno(ENOSPC));
  EXPECT_THAT(b->SyncData(), HasErrno(ENOSPC));
  disk_.Clear();
  EXPECT_OK(b->SyncData());
}

TEST_F(FaultyFileSystemTest, TearsAWrite) {
  ASSERT_OK_AND_ASSIGN(const auto file, disk_.Open(home_.File("a"), OpenMode::kCreate));
  std::string one = "one-";
  std::string two = "two";
  const iovec slices[] = {{one.data(), one.size()}, {two.data(), two.size()}};
  disk_.Add({.operation = Operation::kWriteAt, .short_write_bytes = 5, .error_number = ENOSPC});
  std::size_t written = 0;
  EXPECT_THAT(file->WriteAt(FilePosition(0), slices, &written), HasErrno(ENOSPC));
  EXPECT_EQ(written, 5U);
  EXPECT_EQ(file->Stat()->size, 5);
}

TEST_F(FaultyFileSystemTest, LiesAboutTheSpaceAndStrikesBeforeACall) {
  bool struck = false;
  disk_.Add({.operation = Operation::kStatFileSystem,
             .when = When::kOnly,
             .before = [&] { struck = true; },
             .lie = storage::FileSystemStat{.blocks_total = 7}});
  disk_.Add({.operation = Operation::kStatFileSystem,
             .when = When::kOnly,
             .nth = 2,
             .edit = [](storage::FileSystemStat& stat) { stat.blocks_available = 3; }});
  EXPECT_EQ(disk_.StatFileSystem(home_.path())->blocks_total, 7U);
  EXPECT_TRUE(struck);
  EXPECT_EQ(disk_.StatFileSystem(home_.path())->blocks_available, 3U);
  EXPECT_GT(disk_.StatFileSystem(home_.path())->blocks_total, 7U);
}

TEST_F(FaultyFileSystemTest, HangsUntilReleased) {
  disk_.Add({.operation = Operation::kStatFileSystem, .when = When::kOnly, .hang = true});
  absl::Status answer = absl::UnknownError("no answer yet");
  std::thread caller([&] { answer = disk_.StatFileSystem(home_.path()).status(); });
  EXPECT_TRUE(WaitFor([&] { return disk_.hanging() == 1; }, kLongWait, "the call to hang"));
  disk_.Release();
  caller.join();
  EXPECT_OK(answer);
  EXPECT_EQ(disk_.hanging(), 0U);
}

}  // namespace
}  // namespace tidemark::support
