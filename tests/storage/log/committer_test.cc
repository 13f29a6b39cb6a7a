#include "storage/log/committer.h"

#include "storage/fs/posix_file_system.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/sample_batch.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {
namespace {

using base::FilePosition;
using base::Offset;
using support::Operation;

class CommitterTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"a", "b"}) {
      auto file = disk_.Open(home_.File(name), OpenMode::kCreate);
      ASSERT_OK(file);
      files_.push_back(*std::move(file));
    }
  }
  CommitWrite Write(std::size_t file, std::int64_t position, const char* header, const char* body) {
    return {.partition = base::PartitionId(file),
            .file = files_[file],
            .position = FilePosition(position),
            .header = Buffer::Take(std::string(header)),
            .body = Buffer::Take(std::string(body)),
            .end_offset = Offset(1)};
  }
  std::string Content(std::size_t file) {
    std::vector<std::byte> bytes(100);
    bytes.resize(*files_[file]->ReadAt(FilePosition(0), bytes));
    return support::AsText(bytes);
  }

  support::TempDirectory home_;
  PosixFileSystem real_;
  support::FaultyFileSystem disk_{real_};
  std::vector<std::shared_ptr<File>> files_;
};

TEST_F(CommitterTest, NeighboursAreWrittenInOneCallAndEachFileIsSyncedOnce) {
  const CommitJob job{.writes = {Write(0, 0, "h1", "body1"), Write(0, 7, "h2", "body2"),
                                 Write(1, 0, "h3", "body3"), Write(0, 14, "h4", "body4")}};
  int written_calls = 0;
  const CommitResult result = RunCommit(job, [&](const CommitResult& written) {
    ++written_calls;
    EXPECT_TRUE(written.ok());
    EXPECT_EQ(disk_.calls(Operation::kSyncData), 0U) << "written comes before synced";
  });
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.bytes_written, 28);
  EXPECT_EQ(written_calls, 1);
  EXPECT_EQ(disk_.calls(Operation::kWriteAt), 3U);
  EXPECT_EQ(disk_.calls(Operation::kSyncData), 2U);
  EXPECT_EQ(Content(0), "h1body1h2body2h4body4");
  EXPECT_EQ(Content(1), "h3body3");
}

TEST_F(CommitterTest, WithoutSyncNothingIsSynced) {
  EXPECT_TRUE(RunCommit({.writes = {Write(0, 0, "h", "b")}, .sync = false}).ok());
  EXPECT_EQ(disk_.calls(Operation::kSyncData), 0U);
}

TEST_F(CommitterTest, AFailedWriteEndsTheJobBeforeAnythingCountsAsWritten) {
  disk_.Add({.operation = Operation::kWriteAt,
             .path_contains = "/a",
             .short_write_bytes = 3,
             .error_number = EIO});
  bool written = false;
  const CommitResult result =
      RunCommit({.writes = {Write(0, 0, "h1", "b1"), Write(1, 0, "h", "b")}},
                [&](const CommitResult&) { written = true; });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.failure->operation, CommitFailure::Operation::kWrite);
  EXPECT_EQ(result.failure->partition, base::PartitionId(0));
  EXPECT_THAT(result.failure->status, support::HasErrno(EIO));
  EXPECT_EQ(result.bytes_written, 3);
  EXPECT_FALSE(written);
  EXPECT_EQ(Content(1), "") << "nothing behind a failure is tried";
  EXPECT_EQ(disk_.calls(Operation::kSyncData), 0U);
}

TEST_F(CommitterTest, AFailedSyncNamesItsFileAndIsNotRetried) {
  disk_.Add({.operation = Operation::kSyncData, .path_contains = "/b", .error_number = ENOSPC});
  const CommitResult result = RunCommit({.writes = {Write(0, 0, "h", "b"), Write(1, 0, "h", "b")}});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.failure->operation, CommitFailure::Operation::kSync)
      << "a thin pool's ENOSPC at fsync is a device matter";
  EXPECT_EQ(result.failure->path, home_.File("b"));
  EXPECT_EQ(disk_.calls(Operation::kSyncData), 2U);
}

}  // namespace
}  // namespace tidemark::storage
