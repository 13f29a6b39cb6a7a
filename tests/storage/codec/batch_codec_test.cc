#include "storage/codec/batch_codec.h"

#include <limits>
#include <random>

#include "base/crc32c.h"
#include "base/fixed_int.h"
#include "storage/codec/batch_builder.h"
#include "storage/codec/record_reader.h"
#include "tests/support/golden_file.h"
#include "tests/support/sample_batch.h"
#include "tests/support/status_matchers.h"

namespace tidemark::storage {
namespace {

using support::AsBytes;
using support::AsText;
using support::MakeBatch;
using support::Stamped;
using support::StatusIs;
using testing::HasSubstr;

using Bytes = std::vector<std::byte>;

Bytes GoldenBatch() {
  BatchBuilder builder({.id = 7, .epoch = 2, .sequence = 41});
  builder.Add({.timestamp = 1'790'000'000'000, .value = AsBytes("tide")});
  builder.Add({.timestamp = 1'790'000'000'005,
               .key = AsBytes("k1"),
               .value = AsBytes("mark"),
               .headers = {{"trace", AsBytes("abc")}}});
  return Stamped(builder.Build(), base::Offset(4711), 3);
}

// Sets a field and makes the body's checksum right again: what only a liar sends.
template <typename T>
Bytes WithField(Bytes batch, std::size_t at, T value) {
  base::StoreLittleEndian(value, &batch[at]);
  base::StoreLittleEndian(
      base::Crc32c(std::span<const std::byte>(batch).subspan(BatchLayout::kAttributes)),
      &batch[BatchLayout::kCrc]);
  return batch;
}

std::vector<Record> ReadAll(const BatchHeader& header, std::span<const std::byte> batch) {
  std::vector<Record> records;
  RecordReader reader(header, batch);
  Record record;
  while (reader.Next(record)) records.push_back(record);
  EXPECT_OK(reader.status(absl::StatusCode::kDataLoss));
  return records;
}

TEST(BatchCodecTest, BytesAreThoseOfTheGoldenFile) {
  EXPECT_TRUE(support::MatchesGolden("batch_v1.hex", GoldenBatch()));
}

TEST(BatchCodecTest, ReadsTheGoldenFile) {
  const Bytes golden = support::ReadGolden("batch_v1.hex");
  const BatchExamination examination = ExamineBatch(golden, BatchDepth::kBody);
  ASSERT_FALSE(examination.defect.has_value()) << FaultName(examination.defect->fault);
  const BatchHeader& header = examination.header;
  EXPECT_EQ(header.base_offset, base::Offset(4711));
  EXPECT_EQ(header.end_offset(), base::Offset(4713));
  EXPECT_EQ(header.leader_epoch, 3U);
  EXPECT_EQ(header.first_timestamp, 1'790'000'000'000);
  EXPECT_EQ(header.max_timestamp, 1'790'000'000'005);
  EXPECT_EQ(header.producer, (ProducerStamp{.id = 7, .epoch = 2, .sequence = 41}));
  const auto records = ReadAll(header, golden);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].offset, base::Offset(4711));
  EXPECT_FALSE(records[0].key.has_value());
  EXPECT_EQ(AsText(records[0].value), "tide");
  EXPECT_EQ(records[1].offset, base::Offset(4712));
  EXPECT_EQ(records[1].timestamp, 1'790'000'000'005);
  EXPECT_EQ(AsText(*records[1].key), "k1");
  ASSERT_EQ(records[1].headers.size(), 1U);
  EXPECT_EQ(records[1].headers[0].name, "trace");
  EXPECT_EQ(AsText(records[1].headers[0].value), "abc");
}

TEST(BatchCodecTest, RecordsComeBackAsTheyWereAdded) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto text = [&](int length_max) {
    std::string bytes(random() % static_cast<unsigned>(length_max), '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    return bytes;
  };
  for (int round = 0; round < 50; ++round) {
    struct Original {
      base::WallMillis timestamp;
      std::optional<std::string> key;
      std::string value, header_name, header_value;
    };
    std::vector<Original> originals;
    BatchBuilder builder;
    const int count = 1 + static_cast<int>(random() % 20);
    for (int i = 0; i < count; ++i) {
      Original o{static_cast<base::WallMillis>(random()) - 1'000'000'000, std::nullopt, text(300),
                 text(10), text(200)};
      if (random() % 2 == 0) o.key = text(30);
      originals.push_back(o);
      Record record{.timestamp = o.timestamp, .value = AsBytes(o.value)};
      if (o.key.has_value()) record.key = AsBytes(*o.key);
      if (i % 3 == 0) record.headers = {{o.header_name, AsBytes(o.header_value)}};
      builder.Add(record);
    }
    const std::size_t promised_bytes = builder.size_bytes();
    const Buffer batch = builder.Build();
    EXPECT_EQ(batch.size(), promised_bytes);
    ASSERT_OK_AND_ASSIGN(const BatchHeader header, CheckArrivedBatch(batch.bytes(), {}));
    const auto records = ReadAll(header, batch.bytes());
    ASSERT_EQ(records.size(), originals.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      EXPECT_EQ(records[i].timestamp, originals[i].timestamp);
      EXPECT_EQ(records[i].key.has_value(), originals[i].key.has_value());
      if (records[i].key.has_value()) {
        EXPECT_EQ(AsText(*records[i].key), *originals[i].key);
      }
      EXPECT_EQ(AsText(records[i].value), originals[i].value);
      EXPECT_EQ(records[i].headers.size(), i % 3 == 0 ? 1U : 0U);
    }
  }
}

TEST(BatchCodecTest, ExtremeTimestampsSurvive) {
  BatchBuilder builder;
  const auto lowest = std::numeric_limits<base::WallMillis>::min();
  const auto highest = std::numeric_limits<base::WallMillis>::max();
  for (const auto timestamp : {lowest, highest, base::WallMillis{0}}) {
    builder.Add({.timestamp = timestamp, .value = AsBytes("x")});
  }
  const Buffer batch = builder.Build();
  ASSERT_OK_AND_ASSIGN(const BatchHeader header, CheckArrivedBatch(batch.bytes(), {}));
  const auto records = ReadAll(header, batch.bytes());
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].timestamp, lowest);
  EXPECT_EQ(records[1].timestamp, highest);
  EXPECT_EQ(records[2].timestamp, 0);
}

TEST(BatchCodecTest, EveryFlippedBitOfAStampedBatchIsDetected) {
  const Bytes good = GoldenBatch();
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[i] ^= static_cast<std::byte>(1 << bit);
      EXPECT_TRUE(ExamineBatch(bad, BatchDepth::kBody).defect.has_value())
          << "byte " << i << " bit " << bit;
    }
  }
}

TEST(BatchCodecTest, EveryTruncationIsDetected) {
  const Bytes good = GoldenBatch();
  for (std::size_t length = 0; length < good.size(); ++length) {
    const auto cut = std::span(good).first(length);
    const BatchExamination examination = ExamineBatch(cut, BatchDepth::kBody);
    ASSERT_TRUE(examination.defect.has_value()) << "length " << length;
    EXPECT_EQ(examination.defect->fault,
              length < kBatchHeaderBytes ? BatchFault::kShortHeader : BatchFault::kShortBody);
    EXPECT_THAT(CheckArrivedBatch(cut, {}), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST(BatchCodecTest, ABatchAtAnotherOffsetIsNotTakenForTheRightOne) {
  Bytes moved = GoldenBatch();
  base::StoreLittleEndian<std::uint64_t>(4712, &moved[BatchLayout::kBaseOffset]);
  EXPECT_EQ(ExamineBatch(moved, BatchDepth::kHeader).defect->fault, BatchFault::kStamp);
}

TEST(BatchCodecTest, StampingTouchesOnlyTheServersFields) {
  const Buffer batch = MakeBatch({.records = 3});
  const Bytes stamped = Stamped(batch, base::Offset(1'000'000'007), 9);
  for (std::size_t i = 0; i < stamped.size(); ++i) {
    const bool servers = (i >= BatchLayout::kStampCrc && i < BatchLayout::kCrc);
    if (!servers) {
      EXPECT_EQ(stamped[i], batch.bytes()[i]) << "byte " << i;
    }
  }
  const BatchExamination examination = ExamineBatch(stamped, BatchDepth::kBody);
  ASSERT_FALSE(examination.defect.has_value());
  EXPECT_EQ(examination.header.base_offset, base::Offset(1'000'000'007));
  EXPECT_EQ(examination.header.leader_epoch, 9U);
}

TEST(BatchCodecTest, ZerosAreTheEndOfDataNotABatch) {
  const Bytes zeros(4096);
  EXPECT_EQ(ExamineBatch(zeros, BatchDepth::kBody).defect->fault, BatchFault::kZeroHeader);
}

struct RefusedCase {
  const char* name;
  Bytes batch;
  const char* message;
};

TEST(BatchCodecTest, ArrivedBatchesAreRefusedWithTheReasonAndTheNumbers) {
  const Buffer good_buffer = MakeBatch({.records = 2});
  const Bytes good(good_buffer.bytes().begin(), good_buffer.bytes().end());
  Bytes flipped = good;
  flipped.back() ^= std::byte{1};
  Bytes magic = good;
  magic[0] = std::byte{'X'};
  Bytes version = good;
  version[3] = std::byte{2};
  Bytes trailing = good;
  trailing.push_back(std::byte{0});
  Bytes extra_record = good;
  extra_record.resize(good.size() + 10);
  base::StoreLittleEndian(static_cast<std::uint32_t>(extra_record.size()),
                          &extra_record[BatchLayout::kLength]);
  const auto first = base::LoadLittleEndian<std::uint64_t>(&good[BatchLayout::kFirstTimestamp]);
  const RefusedCase cases[] = {
      {"body", flipped, "batch checksum wrong"},
      {"magic", magic, "no batch magic"},
      {"version", version, "unknown batch version: found 2"},
      {"trailing byte", trailing, "fewer bytes than the batch length"},
      {"no records", WithField<std::uint32_t>(good, BatchLayout::kRecordCount, 0),
       "record count out of limits: found 0"},
      {"a record too many", WithField<std::uint32_t>(good, BatchLayout::kRecordCount, 3),
       "records do not fill the batch"},
      {"a record too few", WithField<std::uint32_t>(good, BatchLayout::kRecordCount, 1),
       "records do not fill the batch"},
      {"bytes nobody counted", WithField<std::uint8_t>(extra_record, good.size(), 0),
       "records do not fill the batch"},
      {"record count limit", WithField<std::uint32_t>(good, BatchLayout::kRecordCount, 2'000'000),
       "record count out of limits: found 2000000, expected or limit 1000000"},
      {"attributes", WithField<std::uint16_t>(good, BatchLayout::kAttributes, 8),
       "unknown batch attributes: found 8"},
      {"maximum before first",
       WithField<std::uint64_t>(good, BatchLayout::kMaxTimestamp, first - 1),
       "timestamps out of order"},
      {"maximum of no record",
       WithField<std::uint64_t>(good, BatchLayout::kMaxTimestamp, first + 999),
       "timestamps out of order"},
  };
  ASSERT_OK(CheckArrivedBatch(good, {}));
  for (const RefusedCase& refused : cases) {
    SCOPED_TRACE(refused.name);
    EXPECT_THAT(CheckArrivedBatch(refused.batch, {}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(refused.message)));
  }
}

TEST(BatchCodecTest, AnOversizeBatchIsRefusedByItsLengthFieldAlone) {
  // 64 bytes that claim 4 GiB: nothing of that size is looked at or allocated.
  Bytes liar = GoldenBatch();
  liar.resize(kBatchHeaderBytes);
  base::StoreLittleEndian<std::uint32_t>(0xFFFFFFFF, &liar[BatchLayout::kLength]);
  EXPECT_THAT(CheckArrivedBatch(liar, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("length out of limits: found 4294967295, expected or limit "
                                 "1048576")));
  base::StoreLittleEndian(StampCrcOf(liar), &liar[BatchLayout::kStampCrc]);
  EXPECT_EQ(ExamineBatch(liar, BatchDepth::kBody).defect->fault, BatchFault::kLength);
}

TEST(BatchCodecTest, RecordsWithLyingLengthsEndTheWalk) {
  const Buffer good_buffer = MakeBatch({.records = 3});
  const Bytes good(good_buffer.bytes().begin(), good_buffer.bytes().end());
  // Whatever the bytes of the records are, walking them stays inside and terminates.
  std::mt19937 random(20261123);
  for (int round = 0; round < 2000; ++round) {
    Bytes bad = good;
    for (int i = 0; i < 3; ++i) {
      bad[kBatchHeaderBytes + random() % (bad.size() - kBatchHeaderBytes)] =
          static_cast<std::byte>(random());
    }
    const BatchHeader header = LoadBatchHeader(bad);
    RecordReader reader(header, bad);
    Record record;
    std::uint32_t records = 0;
    while (reader.Next(record)) ++records;
    EXPECT_LE(records, header.record_count);
  }
}

TEST(BatchCodecTest, ACompressedBatchIsCarriedAndNotOpened) {
  const Buffer batch =
      BuildCompressedBatch(Compression::kZstd, 10, 100, 200, AsBytes("opaque bytes"));
  ASSERT_OK_AND_ASSIGN(const BatchHeader header, CheckArrivedBatch(batch.bytes(), {}));
  EXPECT_EQ(header.compression, Compression::kZstd);
  EXPECT_EQ(header.record_count, 10U);
  RecordReader reader(header, batch.bytes());
  Record record;
  EXPECT_FALSE(reader.Next(record));
  EXPECT_THAT(reader.status(absl::StatusCode::kDataLoss),
              StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(BatchCodecTest, ABuilderCanBeUsedAgain) {
  BatchBuilder builder;
  builder.Add({.timestamp = 5, .value = AsBytes("one")});
  const Buffer first = builder.Build();
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(builder.size_bytes(), kBatchHeaderBytes);
  builder.Add({.timestamp = 1, .value = AsBytes("two")});
  const Buffer second = builder.Build();
  ASSERT_OK_AND_ASSIGN(const BatchHeader header, CheckArrivedBatch(second.bytes(), {}));
  EXPECT_EQ(header.max_timestamp, 1);
  EXPECT_EQ(AsText(ReadAll(header, second.bytes()).at(0).value), "two");
}

}  // namespace
}  // namespace tidemark::storage
