#include "storage/segment/sparse_index.h"

#include "base/fixed_int.h"
#include "gtest/gtest.h"
#include "storage/fs/posix_file_system.h"
#include "storage/segment/index_file.h"
#include "storage/segment/segment_name.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/golden_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {
namespace {

using base::FilePosition;
using base::Offset;
using support::StatusIs;

// A batch of ten records and 1000 bytes every 100 ms.
SparseIndex SampleIndex(std::int64_t interval_bytes, int batches, Offset base = Offset(0)) {
  SparseIndex index(interval_bytes);
  for (int i = 0; i < batches; ++i) {
    index.Add(base + 10 * i, FilePosition(1000 * i), 100 * i + 9);
  }
  return index;
}

TEST(SparseIndexTest, AnEntryComesEveryInterval) {
  const SparseIndex index = SampleIndex(4096, 11);
  ASSERT_EQ(index.entries().size(), 3U);
  EXPECT_EQ(index.entries()[1].position, FilePosition(5000));
  EXPECT_EQ(index.entries()[1].max_timestamp_before, 409);
  EXPECT_EQ(index.max_timestamp(), 1009);
}

TEST(SparseIndexTest, WalkingStartsAtOrBeforeWhatIsLookedFor) {
  for (const std::int64_t interval : {1, 2500, 4096, 1'000'000}) {
    const SparseIndex index = SampleIndex(interval, 50);
    for (int offset = 0; offset < 500; ++offset) {
      const FilePosition batch(1000 * (offset / 10));
      EXPECT_LE(index.PositionFor(Offset(offset)), batch);
      EXPECT_GT(index.PositionFor(Offset(offset)), batch - interval - 1000);
    }
    for (int time = 0; time < 5000; ++time) {
      const FilePosition batch(1000 * ((time + 90) / 100));  // the first whose newest is ≥ time
      EXPECT_LE(index.PositionForTime(time), batch) << time;
    }
  }
}

TEST(SparseIndexTest, AnOldTimestampBehindANewOneDoesNotHideTheNewOne) {
  SparseIndex index(1);
  index.Add(Offset(0), FilePosition(0), 500);
  index.Add(Offset(1), FilePosition(100), 100);
  index.Add(Offset(2), FilePosition(200), 900);
  EXPECT_EQ(index.PositionForTime(300), FilePosition(0));
  EXPECT_EQ(index.PositionForTime(501), FilePosition(200));
}

TEST(SparseIndexTest, CuttingForgetsWhatLiesBehind) {
  SparseIndex index = SampleIndex(1, 10);
  index.CutAt(FilePosition(5000));
  EXPECT_EQ(index.PositionFor(Offset(99)), FilePosition(4000));
}

TEST(SparseIndexTest, IntervalsKeepTheIndexSmall) {
  EXPECT_EQ(IndexIntervalFor(1 << 20), 4096);
  EXPECT_EQ(IndexIntervalFor(1 << 30), 16384);
  EXPECT_EQ(IndexIntervalFor((1 << 30) + 1), 16384);
  EXPECT_EQ(IndexIntervalFor(std::int64_t{3} << 30), 65536);
}

ClosedSegmentIndex GoldenIndex() {
  return {Offset(4711), Offset(4741), FilePosition(3000), SampleIndex(2000, 3, Offset(4711))};
}

TEST(IndexFileTest, BytesAreThoseOfTheGoldenFile) {
  EXPECT_TRUE(support::MatchesGolden("index_v1.hex", EncodeIndex(GoldenIndex())));
}

TEST(IndexFileTest, ReadsTheGoldenFile) {
  ASSERT_OK_AND_ASSIGN(const ClosedSegmentIndex index,
                       DecodeIndex(support::ReadGolden("index_v1.hex")));
  EXPECT_EQ(index.base_offset, Offset(4711));
  EXPECT_EQ(index.end_offset, Offset(4741));
  EXPECT_EQ(index.data_end, FilePosition(3000));
  EXPECT_EQ(index.index.max_timestamp(), 209);
  const SparseIndex expected = SampleIndex(2000, 3, Offset(4711));
  EXPECT_TRUE(std::ranges::equal(index.index.entries(), expected.entries()));
}

TEST(IndexFileTest, EveryFlippedByteAndEveryTruncationIsDetected) {
  const auto good = EncodeIndex(GoldenIndex());
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] ^= std::byte{0x40};
    EXPECT_THAT(DecodeIndex(bad), StatusIs(absl::StatusCode::kDataLoss)) << "byte " << i;
    EXPECT_THAT(DecodeIndex(std::span(good).first(i)), StatusIs(absl::StatusCode::kDataLoss));
  }
}

TEST(IndexFileTest, AnEntryCountThatLiesAllocatesNothing) {
  auto liar = EncodeIndex(GoldenIndex());
  base::StoreLittleEndian<std::uint32_t>(0xFFFFFFFF, &liar[12]);
  EXPECT_THAT(DecodeIndex(liar), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(IndexFileTest, AnotherSegmentsIndexIsRefused) {
  const support::TempDirectory home;
  PosixFileSystem disk;
  ASSERT_OK(WriteIndexFile(disk, home.path(), GoldenIndex()));
  ASSERT_OK(ReadIndexFile(disk, home.path(), Offset(4711)));
  ASSERT_OK(
      disk.Rename(home.File(IndexFileName(Offset(4711))), home.File(IndexFileName(Offset(4712)))));
  EXPECT_THAT(ReadIndexFile(disk, home.path(), Offset(4712)),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(IndexFileTest, AFailedWriteLeavesNothingBehind) {
  const support::TempDirectory home;
  PosixFileSystem real;
  for (const auto operation :
       {support::Operation::kCreate, support::Operation::kAllocate, support::Operation::kWriteAt}) {
    support::FaultyFileSystem disk(real);
    disk.Add({.operation = operation, .error_number = ENOSPC});
    EXPECT_THAT(WriteIndexFile(disk, home.path(), GoldenIndex()), support::HasErrno(ENOSPC));
    EXPECT_THAT(real.List(home.path()), support::IsOkAndHolds(testing::IsEmpty()));
  }
}

}  // namespace
}  // namespace tidemark::storage
