#include "storage/segment/segment_step.h"

#include <fcntl.h>
#include <unistd.h>

#include "storage/fs/posix_file_system.h"
#include "storage/segment/segment_name.h"
#include "storage/segment/segment_seal.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {
namespace {

using base::FilePosition;
using base::Offset;
using support::HasErrno;
using support::Operation;

constexpr std::int64_t kStep = 64 * 1024;

class SegmentStepTest : public testing::Test {
 protected:
  StepRequest Step(std::int64_t position, std::int64_t length = kStep) {
    return {.directory = home_.path(),
            .segment_base = Offset(7),
            .position = FilePosition(position),
            .length_bytes = length,
            .new_segment = position == 0};
  }
  std::string path() { return home_.File(SegmentFileName(Offset(7))); }

  support::TempDirectory home_;
  PosixFileSystem real_;
  support::FaultyFileSystem disk_{real_};
};

TEST_F(SegmentStepTest, AStepIsAllocatedToItsLastByteAndSynced) {
  const StepResult result = AllocateStep(disk_, Step(0));
  ASSERT_OK(result.status);
  ASSERT_NE(result.file, nullptr);
  EXPECT_GE(result.allocated_bytes, kStep);
  EXPECT_EQ(disk_.calls(Operation::kSyncAll), 1U);
  EXPECT_EQ(disk_.calls(Operation::kSyncDirectory), 1U);
  ASSERT_OK_AND_ASSIGN(const FileStat stat, disk_.Stat(path()));
  EXPECT_EQ(stat.size, kStep);
  EXPECT_GE(stat.allocated_bytes, kStep) << "a sparse step is no step";
}

TEST_F(SegmentStepTest, GrowingKeepsWhatIsThereAndNeedsNoDirectorySync) {
  ASSERT_OK(AllocateStep(disk_, Step(0)).status);
  const StepResult grown = AllocateStep(disk_, Step(kStep, 3 * kStep));
  ASSERT_OK(grown.status);
  EXPECT_EQ(grown.file, nullptr);
  EXPECT_GE(grown.allocated_bytes, 4 * kStep);
  EXPECT_EQ(disk_.calls(Operation::kSyncDirectory), 1U);
}

TEST_F(SegmentStepTest, GrowingWithinTheLastBlockOfWhatIsThereKeepsIt) {
  constexpr std::int64_t kEnd = kStep - 3000;
  ASSERT_OK(AllocateStep(disk_, Step(0)).status);
  ASSERT_OK_AND_ASSIGN(const auto file, disk_.Open(path(), OpenMode::kReadWrite));
  std::vector<std::byte> data(kEnd, std::byte{'x'});
  const iovec slice{data.data(), data.size()};
  ASSERT_OK(file->WriteAt(FilePosition(0), {&slice, 1}));
  ASSERT_OK(file->Truncate(kEnd));  // as a seal does
  ASSERT_OK(AllocateStep(disk_, Step(kEnd, kStep - kEnd)).status);
  std::vector<std::byte> read(kEnd);
  ASSERT_OK(file->ReadAt(FilePosition(0), read).status());
  EXPECT_TRUE(read == data);
}

TEST_F(SegmentStepTest, CostsAreSaidBeforehand) {
  EXPECT_EQ(Step(0).cost().inodes, 1);
  EXPECT_EQ(Step(kStep).cost().inodes, 0);
  ASSERT_OK_AND_ASSIGN(const FileStat before, disk_.Stat(home_.path()));
  const StepResult result = AllocateStep(disk_, Step(0));
  ASSERT_OK(result.status);
  ASSERT_OK_AND_ASSIGN(const FileStat after, disk_.Stat(home_.path()));
  EXPECT_LE(result.allocated_bytes + after.allocated_bytes - before.allocated_bytes,
            Step(0).cost().bytes + kBlockBytes);
}

TEST_F(SegmentStepTest, AFailedNewSegmentLeavesNothing) {
  for (const auto operation : {Operation::kCreate, Operation::kAllocate, Operation::kWriteAt,
                               Operation::kSyncAll, Operation::kSyncDirectory}) {
    SCOPED_TRACE(static_cast<int>(operation));
    disk_.Clear();
    disk_.Add({.operation = operation, .error_number = ENOSPC});
    const StepResult result = AllocateStep(disk_, Step(0));
    EXPECT_THAT(result.status, HasErrno(ENOSPC));
    EXPECT_EQ(result.file, nullptr);
    EXPECT_EQ(result.sync_failed,
              operation == Operation::kSyncAll || operation == Operation::kSyncDirectory);
    EXPECT_THAT(real_.List(home_.path()), support::IsOkAndHolds(testing::IsEmpty()));
  }
}

TEST_F(SegmentStepTest, AFailedGrowthLeavesTheSegmentAsItWas) {
  ASSERT_OK(AllocateStep(disk_, Step(0)).status);
  for (const auto operation : {Operation::kAllocate, Operation::kWriteAt, Operation::kSyncAll}) {
    SCOPED_TRACE(static_cast<int>(operation));
    disk_.Clear();
    disk_.Add({.operation = operation, .error_number = ENOSPC});
    EXPECT_THAT(AllocateStep(disk_, Step(kStep)).status, HasErrno(ENOSPC));
    ASSERT_OK_AND_ASSIGN(const FileStat stat, real_.Stat(path()));
    EXPECT_EQ(stat.size, kStep);
  }
}

// A filesystem may say yes to an allocation and have no blocks for it.
TEST_F(SegmentStepTest, AStepWithoutItsBlocksIsNoneAndLeavesNothing) {
  disk_.Add({.operation = Operation::kSyncAll, .before = [&] {
               const int fd = ::open(path().c_str(), O_RDWR | O_CLOEXEC);
               fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kStep / 2);
               ::close(fd);
             }});
  const StepResult result = AllocateStep(disk_, Step(0));
  EXPECT_TRUE(absl::IsDataLoss(result.status)) << result.status;
  EXPECT_FALSE(result.sync_failed);
  EXPECT_EQ(result.file, nullptr);
  EXPECT_TRUE(absl::IsNotFound(real_.Stat(path()).status()));
}

TEST_F(SegmentStepTest, SealingGivesTheRestOfTheStepBack) {
  ASSERT_OK(AllocateStep(disk_, Step(0, 10 * kStep)).status);
  const SealResult result = SealSegment(disk_, {.directory = home_.path(),
                                                .segment_base = Offset(7),
                                                .data_end = FilePosition(kStep - 100)});
  ASSERT_OK(result.status);
  EXPECT_LE(result.allocated_bytes, kStep + kBlockBytes);
  ASSERT_OK_AND_ASSIGN(const FileStat stat, disk_.Stat(path()));
  EXPECT_EQ(stat.size, kStep - 100);
}

TEST_F(SegmentStepTest, AnIndexThatCannotBeWrittenIsNoReasonNotToSeal) {
  ASSERT_OK(AllocateStep(disk_, Step(0)).status);
  SparseIndex index;
  index.Add(Offset(7), FilePosition(0), 1);
  const SealRequest request{.directory = home_.path(),
                            .segment_base = Offset(7),
                            .data_end = FilePosition(100),
                            .index = std::make_shared<const ClosedSegmentIndex>(ClosedSegmentIndex{
                                Offset(7), Offset(8), FilePosition(100), index})};
  EXPECT_EQ(request.cost(), (SpaceCost{.bytes = kBlockBytes, .inodes = 1}));
  disk_.Add({.operation = Operation::kCreate, .error_number = ENOSPC});
  const SealResult failed = SealSegment(disk_, request);
  EXPECT_OK(failed.status);
  EXPECT_THAT(failed.index_status, HasErrno(ENOSPC));
  disk_.Clear();
  const SealResult sealed = SealSegment(disk_, request);
  EXPECT_OK(sealed.status);
  EXPECT_OK(sealed.index_status);
  EXPECT_OK(ReadIndexFile(disk_, home_.path(), Offset(7)));
}

}  // namespace
}  // namespace tidemark::storage
