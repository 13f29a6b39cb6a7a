#include "storage/segment/segment_reader.h"

#include "storage/codec/record_reader.h"
#include "storage/fs/posix_file_system.h"
#include "storage/segment/segment_name.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/sample_batch.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {
namespace {

using base::FilePosition;
using base::Offset;
using support::MakeBatch;
using support::Stamped;
using support::StatusIs;

constexpr int kBatches = 40;
constexpr int kRecordsPerBatch = 3;

// Segment 100 with 40 batches of three records; batch i has timestamps 1000 i … 1000 i + 2.
class SegmentReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(const auto file,
                         disk_.Open(home_.File(SegmentFileName(Offset(100))), OpenMode::kCreate));
    for (int i = 0; i < kBatches; ++i) {
      const Offset base = Offset(100) + kRecordsPerBatch * i;
      auto batch = Stamped(MakeBatch({.records = kRecordsPerBatch,
                                      .timestamp = 1000 * i,
                                      .value_bytes = static_cast<std::size_t>(50 + 30 * i)}),
                           base);
      index_.Add(base, end_, 1000 * i + 2);
      const iovec slice{batch.data(), batch.size()};
      ASSERT_OK(file->WriteAt(end_, {&slice, 1}));
      end_ = end_ + std::ssize(batch);
      batches_.push_back(std::move(batch));
    }
  }

  ReadRequest Request(Offset from, std::int64_t bytes_max) {
    return {.source = {home_.path(), Offset(100), nullptr, nullptr},
            .from = from,
            .start = FilePosition(0),
            .end = end_,
            .bytes_max = bytes_max};
  }

  TimeSearch Search(base::WallMillis timestamp) {
    return {.source = {home_.path(), Offset(100), nullptr, nullptr},
            .timestamp = timestamp,
            .from = Offset(100),
            .start = FilePosition(0),
            .end = end_};
  }

  support::TempDirectory home_;
  PosixFileSystem disk_;
  SparseIndex index_{2000};
  FilePosition end_;
  std::vector<std::vector<std::byte>> batches_;
};

TEST_F(SegmentReaderTest, EveryOffsetIsFoundInsideTheFirstBatchReturned) {
  for (const bool indexed : {false, true}) {
    for (int record = 0; record < kBatches * kRecordsPerBatch; ++record) {
      ReadRequest request = Request(Offset(100) + record, 1);
      if (indexed) request.start = index_.PositionFor(request.from);
      ASSERT_OK_AND_ASSIGN(const ReadBatches read, ReadSegment(disk_, request));
      const auto& expected = batches_[static_cast<std::size_t>(record / kRecordsPerBatch)];
      EXPECT_TRUE(std::ranges::equal(read.batches.bytes(), expected)) << record;
      EXPECT_EQ(read.next_offset, Offset(100) + (record / 3 + 1) * 3);
    }
  }
}

TEST_F(SegmentReaderTest, ReadingOnAndOnGivesEveryBatchOnceByteForByte) {
  for (const std::int64_t bytes_max : {1, 500, 4096, 1 << 20}) {
    std::vector<std::byte> all;
    SegmentSource source = Request(Offset(100), 1).source;
    for (Offset next(100); next < Offset(100 + 120);) {
      ReadRequest request = Request(next, bytes_max);
      request.source = source;
      ASSERT_OK_AND_ASSIGN(const ReadBatches read, ReadSegment(disk_, request));
      ASSERT_GT(read.next_offset, next);
      if (read.batches.size() > batches_.back().size()) {
        EXPECT_LE(std::ssize(read.batches.bytes()), bytes_max);
      }
      const auto bytes = read.batches.bytes();
      all.insert(all.end(), bytes.begin(), bytes.end());
      next = read.next_offset;
      source = read.source;
    }
    std::vector<std::byte> expected;
    for (const auto& batch : batches_) expected.insert(expected.end(), batch.begin(), batch.end());
    EXPECT_EQ(all, expected) << bytes_max;
  }
}

TEST_F(SegmentReaderTest, NothingBehindThePlannedEndIsShown) {
  ReadRequest request = Request(Offset(100), 1 << 20);
  request.end = FilePosition(std::ssize(batches_[0]) + std::ssize(batches_[1]));
  ASSERT_OK_AND_ASSIGN(const ReadBatches read, ReadSegment(disk_, request));
  EXPECT_EQ(read.next_offset, Offset(106));
  request.from = Offset(106);
  ASSERT_OK_AND_ASSIGN(const ReadBatches at_end, ReadSegment(disk_, request));
  EXPECT_TRUE(at_end.batches.empty());
  EXPECT_EQ(at_end.next_offset, Offset(106));
}

TEST_F(SegmentReaderTest, AnOpenSegmentCanBeReadAfterItWasUnlinked) {
  ASSERT_OK_AND_ASSIGN(const ReadBatches first, ReadSegment(disk_, Request(Offset(100), 1)));
  ASSERT_OK(disk_.RemoveFile(home_.File(SegmentFileName(Offset(100)))));
  ReadRequest request = Request(Offset(103), 1);
  request.source = first.source;
  EXPECT_OK(ReadSegment(disk_, request));
  EXPECT_THAT(ReadSegment(disk_, Request(Offset(103), 1)), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SegmentReaderTest, AMissingIndexIsRebuiltOnceAndKept) {
  ASSERT_OK_AND_ASSIGN(const ReadBatches first, ReadSegment(disk_, Request(Offset(160), 1)));
  ASSERT_NE(first.source.index, nullptr);
  support::FaultyFileSystem counted(disk_);
  ReadRequest request = Request(Offset(160), 1);
  request.source = first.source;
  EXPECT_OK(ReadSegment(counted, request));
  EXPECT_EQ(counted.calls(support::Operation::kAny), 0U) << "file and index were handed over";
}

TEST_F(SegmentReaderTest, DamageIsDataLossWithItsPlace) {
  const auto position = std::ssize(batches_[0]);
  ASSERT_OK_AND_ASSIGN(const auto file,
                       disk_.Open(home_.File(SegmentFileName(Offset(100))), OpenMode::kReadWrite));
  std::byte bad{0x55};
  const iovec slice{&bad, 1};
  ASSERT_OK(file->WriteAt(FilePosition(position + 5), {&slice, 1}));
  ASSERT_OK_AND_ASSIGN(const ReadBatches before, ReadSegment(disk_, Request(Offset(100), 1 << 20)));
  EXPECT_EQ(before.next_offset, Offset(103)) << "what is good before it is given out";
  EXPECT_THAT(ReadSegment(disk_, Request(Offset(103), 1)),
              StatusIs(absl::StatusCode::kDataLoss,
                       testing::HasSubstr("at position " + std::to_string(position))));
}

TEST_F(SegmentReaderTest, ATimeLeadsToTheFirstRecordAsNew) {
  for (const bool indexed : {false, true}) {
    for (int time = -5; time<1000 * kBatches + 5; time += time % 1000> 3 ? 331 : 1) {
      TimeSearch search = Search(time);
      if (indexed) search.start = index_.PositionForTime(time);
      ASSERT_OK_AND_ASSIGN(const auto found, SearchTime(disk_, search));
      const int batch = time <= 0 ? 0 : time / 1000;
      const int within = time <= 0 ? 0 : time % 1000;
      const int record = within <= 2 ? 3 * batch + within : 3 * (batch + 1);
      if (record >= kBatches * 3) {
        EXPECT_FALSE(found.has_value()) << time;
      } else {
        ASSERT_TRUE(found.has_value()) << time;
        EXPECT_EQ(found->offset, Offset(100) + record) << time;
        EXPECT_GE(found->timestamp, time);
      }
    }
  }
}

TEST_F(SegmentReaderTest, ATimeNeverLeadsBeforeTheLogStart) {
  TimeSearch search = Search(0);
  search.from = Offset(104);
  ASSERT_OK_AND_ASSIGN(const auto found, SearchTime(disk_, search));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->offset, Offset(104));
}

}  // namespace
}  // namespace tidemark::storage
