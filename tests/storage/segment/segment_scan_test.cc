#include "storage/segment/segment_scan.h"

#include <random>

#include "base/crc32c.h"
#include "base/fixed_int.h"
#include "storage/fs/posix_file_system.h"
#include "storage/segment/segment_name.h"
#include "tests/support/golden_file.h"
#include "tests/support/sample_batch.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {
namespace {

using base::FilePosition;
using base::Offset;
using support::MakeBatch;
using support::Stamped;

using Bytes = std::vector<std::byte>;

class SegmentScanTest : public testing::Test {
 protected:
  // Batches of three records each, one after the other.
  Bytes Batches(int count, Offset base = Offset(100), std::size_t value_bytes = 20) {
    Bytes bytes;
    for (int i = 0; i < count; ++i) {
      starts_.push_back(bytes.size());
      const Bytes batch =
          Stamped(MakeBatch({.records = 3, .timestamp = 1000 * i, .value_bytes = value_bytes}),
                  base + 3 * i);
      bytes.insert(bytes.end(), batch.begin(), batch.end());
    }
    starts_.push_back(bytes.size());
    return bytes;
  }

  SegmentScan Scan(Bytes bytes, Offset base = Offset(100)) {
    const std::string path = home_.File(SegmentFileName(base));
    disk_.RemoveFile(path).IgnoreError();
    auto file = disk_.Open(path, OpenMode::kCreate);
    EXPECT_OK(file);
    const iovec slice{bytes.data(), bytes.size()};
    EXPECT_OK((*file)->WriteAt(FilePosition(0), {&slice, 1}));
    auto scan = ScanSegment(**file, base, 4096);
    EXPECT_OK(scan);
    return *std::move(scan);
  }

  support::TempDirectory home_;
  PosixFileSystem disk_;
  std::vector<std::size_t> starts_;  // of the batches made last, and the end
};

TEST_F(SegmentScanTest, AWholeSegmentEndsAtItsEnd) {
  const Bytes bytes = Batches(5);
  const SegmentScan scan = Scan(bytes);
  EXPECT_EQ(scan.end_offset, Offset(115));
  EXPECT_EQ(scan.data_end, FilePosition(std::ssize(bytes)));
  EXPECT_EQ(scan.tail, TailEvidence::kEnd);
  EXPECT_EQ(scan.batch_count, 5);
  EXPECT_EQ(scan.index.max_timestamp(), 4002);
  EXPECT_TRUE(scan.holes.empty());
}

TEST_F(SegmentScanTest, ReadsTheGoldenSegment) {
  Bytes bytes = Batches(2, Offset(100), 4);
  bytes.resize(bytes.size() + 64);  // an allocated step
  EXPECT_TRUE(support::MatchesGolden("segment_v1.hex", bytes));
  const SegmentScan scan = Scan(support::ReadGolden("segment_v1.hex"));
  EXPECT_EQ(scan.end_offset, Offset(106));
  EXPECT_EQ(scan.tail, TailEvidence::kZeros);
}

TEST_F(SegmentScanTest, AnEmptyFileAndAnEmptyStepHoldNothing) {
  EXPECT_EQ(Scan({}).tail, TailEvidence::kEnd);
  const SegmentScan scan = Scan(Bytes(3 * 1024 * 1024 + 5));
  EXPECT_EQ(scan.tail, TailEvidence::kZeros);
  EXPECT_EQ(scan.end_offset, Offset(100));
  EXPECT_EQ(scan.garbage_end, FilePosition(0));
}

TEST_F(SegmentScanTest, ATornLastBatchEndsTheLogBeforeItAtEveryLength) {
  const Bytes whole = Batches(3);
  for (std::size_t length = starts_[2]; length < whole.size(); ++length) {
    for (const bool in_step : {false, true}) {
      SCOPED_TRACE(testing::Message() << "length " << length << ", in step " << in_step);
      Bytes torn(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      if (in_step) torn.resize(whole.size() + 4096);
      // A batch ends with a zero (no headers): in zeros it is whole without its last byte.
      if (in_step && length + 1 == whole.size()) continue;
      const SegmentScan scan = Scan(torn);
      EXPECT_EQ(scan.end_offset, Offset(106));
      EXPECT_EQ(scan.data_end, FilePosition(static_cast<std::int64_t>(starts_[2])));
      EXPECT_TRUE(scan.holes.empty());
      EXPECT_LE(scan.garbage_end, FilePosition(static_cast<std::int64_t>(length)));
      if (length == starts_[2]) {
        EXPECT_EQ(scan.tail, in_step ? TailEvidence::kZeros : TailEvidence::kEnd);
      } else {
        EXPECT_NE(scan.tail, TailEvidence::kEnd);
        EXPECT_NE(scan.tail, TailEvidence::kZeros);
      }
    }
  }
}

TEST_F(SegmentScanTest, AFirstPageThatNeverReachedTheDiskIsATornTail) {
  Bytes bytes = Batches(3, Offset(100), 5000);
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(starts_[2]), 4096, std::byte{0});
  bytes.resize(bytes.size() + 8192);
  const SegmentScan scan = Scan(bytes);
  EXPECT_EQ(scan.end_offset, Offset(106));
  EXPECT_EQ(scan.tail, TailEvidence::kBadHeader);
  EXPECT_EQ(scan.garbage_end, FilePosition(static_cast<std::int64_t>(starts_[3]) - 1));
}

TEST_F(SegmentScanTest, EveryFlippedByteInTheMiddleIsAHoleAndTheRestIsFound) {
  const Bytes good = Batches(3);
  for (std::size_t i = starts_[1]; i < starts_[2]; ++i) {
    SCOPED_TRACE(testing::Message() << "byte " << i);
    Bytes bad = good;
    bad[i] ^= std::byte{0x10};
    const SegmentScan scan = Scan(bad);
    ASSERT_EQ(scan.holes.size(), 1U);
    EXPECT_EQ(scan.holes[0].first_lost, Offset(103));
    EXPECT_EQ(scan.holes[0].resumes_at, Offset(106));
    EXPECT_EQ(scan.holes[0].to, FilePosition(static_cast<std::int64_t>(starts_[2])));
    EXPECT_EQ(scan.end_offset, Offset(109));
    EXPECT_EQ(scan.tail, TailEvidence::kEnd);
    // A reader of what lies behind starts behind the hole.
    EXPECT_EQ(scan.index.PositionFor(Offset(106)), scan.holes[0].to);
  }
}

TEST_F(SegmentScanTest, ABatchInsideATornBatchesPayloadIsNotTakenForTheLog) {
  // A record may hold what looks like the next batch; its frame is trusted, its body is not
  // searched.
  const Bytes inner = Stamped(MakeBatch(), Offset(101));
  BatchBuilder builder;
  builder.Add({.timestamp = 1, .value = inner});
  Bytes bytes = Stamped(builder.Build(), Offset(100));
  bytes.back() ^= std::byte{1};
  bytes.resize(bytes.size() + 4096);
  const SegmentScan scan = Scan(bytes);
  EXPECT_EQ(scan.tail, TailEvidence::kBadBody);
  EXPECT_TRUE(scan.holes.empty());
}

TEST_F(SegmentScanTest, AMissingBatchIsAHole) {
  Bytes bytes = Batches(1);
  const Bytes later = Stamped(MakeBatch(), Offset(110));
  bytes.insert(bytes.end(), later.begin(), later.end());
  const SegmentScan scan = Scan(bytes);
  ASSERT_EQ(scan.holes.size(), 1U);
  EXPECT_EQ(scan.holes[0].evidence, TailEvidence::kWrongOffset);
  EXPECT_EQ(scan.holes[0].first_lost, Offset(103));
  EXPECT_EQ(scan.holes[0].resumes_at, Offset(110));
}

TEST_F(SegmentScanTest, AnOldBatchBehindTheEndIsNotTheNextOne) {
  Bytes bytes = Batches(2);
  const Bytes old = Stamped(MakeBatch(), Offset(100));
  bytes.insert(bytes.end(), old.begin(), old.end());
  const SegmentScan scan = Scan(bytes);
  EXPECT_EQ(scan.end_offset, Offset(106));
  EXPECT_EQ(scan.tail, TailEvidence::kWrongOffset);
}

TEST_F(SegmentScanTest, AVersionWeDoNotKnowIsToldApartFromDamage) {
  Bytes bytes = Batches(2);
  bytes[starts_[1] + 3] = std::byte{9};
  EXPECT_EQ(Scan(bytes).tail, TailEvidence::kNewVersion);
}

TEST_F(SegmentScanTest, ALengthThatLiesIsNotFollowed) {
  Bytes bytes = Batches(2);
  std::byte* last = &bytes[starts_[1]];
  base::StoreLittleEndian<std::uint32_t>(0xFFFFFFF0, last + BatchLayout::kLength);
  const auto stamp = StampCrcOf(std::span(bytes).subspan(starts_[1]));
  base::StoreLittleEndian(stamp, last + BatchLayout::kStampCrc);
  EXPECT_EQ(Scan(bytes).tail, TailEvidence::kBadHeader);
  // Within what the format allows, but longer than the file.
  base::StoreLittleEndian<std::uint32_t>(16 * 1024 * 1024, last + BatchLayout::kLength);
  base::StoreLittleEndian(StampCrcOf(std::span(bytes).subspan(starts_[1])),
                          last + BatchLayout::kStampCrc);
  EXPECT_EQ(Scan(bytes).tail, TailEvidence::kShortBatch);
}

TEST_F(SegmentScanTest, BatchesAcrossChunkBordersAreRead) {
  const Bytes bytes = Batches(9, Offset(100), 100'000);  // about 300 KB each, chunks of 1 MiB
  const SegmentScan scan = Scan(bytes);
  EXPECT_EQ(scan.batch_count, 9);
  EXPECT_EQ(scan.data_end, FilePosition(std::ssize(bytes)));
}

TEST_F(SegmentScanTest, NoBytesMakeItFail) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const Bytes good = Batches(20);
  for (int round = 0; round < 300; ++round) {
    Bytes bad = good;
    for (int i = 0; i < 1 + round % 7; ++i)
      bad[random() % bad.size()] = static_cast<std::byte>(random());
    bad.resize(random() % (bad.size() + 100));
    const SegmentScan scan = Scan(bad);
    EXPECT_LE(scan.data_end, FilePosition(std::ssize(bad)));
    EXPECT_LE(scan.end_offset, Offset(160));
  }
}

}  // namespace
}  // namespace tidemark::storage
