#include "storage/codec/batch_codec.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/fixed_int.h"
#include "storage/codec/record_reader.h"

namespace tidemark::storage {
namespace {

using base::LoadLittleEndian;
using base::StoreLittleEndian;

constexpr std::byte kMagicLetters[3] = {std::byte{'T'}, std::byte{'M'}, std::byte{'B'}};
constexpr std::uint16_t kCompressionMax = static_cast<std::uint16_t>(Compression::kLz4);

bool AllZero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

std::optional<BatchDefect> CheckMagic(std::span<const std::byte> bytes) {
  if (bytes.size() < kBatchHeaderBytes) {
    return BatchDefect{BatchFault::kShortHeader, std::ssize(bytes), kBatchHeaderBytes};
  }
  if (AllZero(bytes.first(kBatchHeaderBytes))) {
    return BatchDefect{BatchFault::kZeroHeader, 0, 0};
  }
  const auto version = std::to_integer<std::uint8_t>(bytes[3]);
  // No version is 0: that is a magic whose write was torn behind its letters.
  if (version == 0 ||
      !std::equal(std::begin(kMagicLetters), std::end(kMagicLetters), bytes.begin())) {
    return BatchDefect{BatchFault::kMagic, LoadLittleEndian<std::uint32_t>(bytes.data()), 0};
  }
  if (version != kBatchVersion) {
    return BatchDefect{BatchFault::kVersion, version, kBatchVersion};
  }
  return std::nullopt;
}

std::optional<BatchDefect> CheckLength(std::span<const std::byte> bytes, std::int64_t limit) {
  const auto length = LoadLittleEndian<std::uint32_t>(&bytes[BatchLayout::kLength]);
  if (length < kBatchHeaderBytes) {
    return BatchDefect{BatchFault::kLength, length, kBatchHeaderBytes};
  }
  if (length > limit) return BatchDefect{BatchFault::kLength, length, limit};
  return std::nullopt;
}

// `batch` is as long as its header says.
std::optional<BatchDefect> CheckBody(std::span<const std::byte> batch, const BatchHeader& header) {
  const std::uint32_t crc = base::Crc32c(batch.subspan(BatchLayout::kAttributes));
  if (crc != header.crc) return BatchDefect{BatchFault::kCrc, crc, header.crc};
  const auto attributes = LoadLittleEndian<std::uint16_t>(&batch[BatchLayout::kAttributes]);
  if (attributes > kCompressionMax) {
    return BatchDefect{BatchFault::kAttributes, attributes, kCompressionMax};
  }
  if (header.record_count == 0) return BatchDefect{BatchFault::kRecordCount, 0, 1};
  if (header.max_timestamp < header.first_timestamp) {
    return BatchDefect{BatchFault::kTimestamps, header.max_timestamp, header.first_timestamp};
  }
  return std::nullopt;
}

std::optional<BatchDefect> CheckRecords(const BatchHeader& header,
                                        std::span<const std::byte> batch) {
  if (header.compression != Compression::kNone) return std::nullopt;
  RecordReader reader(header, batch);
  Record record;
  base::WallMillis max_timestamp = header.first_timestamp;
  while (reader.Next(record)) max_timestamp = std::max(max_timestamp, record.timestamp);
  if (reader.defect().has_value()) return reader.defect();
  if (max_timestamp != header.max_timestamp) {
    return BatchDefect{BatchFault::kTimestamps, header.max_timestamp, max_timestamp};
  }
  return std::nullopt;
}

}  // namespace

std::string_view FaultName(BatchFault fault) {
  switch (fault) {
    case BatchFault::kShortHeader:
      return "fewer bytes than a batch header";
    case BatchFault::kZeroHeader:
      return "zeros instead of a batch";
    case BatchFault::kMagic:
      return "no batch magic";
    case BatchFault::kVersion:
      return "unknown batch version";
    case BatchFault::kLength:
      return "batch length out of limits";
    case BatchFault::kShortBody:
      return "fewer bytes than the batch length";
    case BatchFault::kStamp:
      return "stamp checksum wrong";
    case BatchFault::kCrc:
      return "batch checksum wrong";
    case BatchFault::kRecordCount:
      return "record count out of limits";
    case BatchFault::kAttributes:
      return "unknown batch attributes";
    case BatchFault::kTimestamps:
      return "batch timestamps out of order";
    case BatchFault::kRecords:
      return "records do not fill the batch";
  }
  return "unknown fault";
}

absl::Status BatchDefect::As(absl::StatusCode code) const {
  return absl::Status(code, absl::StrFormat("batch refused: %s: found %d, expected or limit %d",
                                            FaultName(fault), found, expected));
}

BatchHeader LoadBatchHeader(std::span<const std::byte> bytes) {
  TM_CHECK(bytes.size() >= kBatchHeaderBytes);
  const std::byte* at = bytes.data();
  BatchHeader header;
  header.length_bytes = LoadLittleEndian<std::uint32_t>(at + BatchLayout::kLength);
  header.leader_epoch = LoadLittleEndian<std::uint32_t>(at + BatchLayout::kLeaderEpoch);
  header.base_offset = base::Offset(
      static_cast<std::int64_t>(LoadLittleEndian<std::uint64_t>(at + BatchLayout::kBaseOffset)));
  header.crc = LoadLittleEndian<std::uint32_t>(at + BatchLayout::kCrc);
  const auto attributes = LoadLittleEndian<std::uint16_t>(at + BatchLayout::kAttributes);
  header.compression = static_cast<Compression>(std::min(attributes, kCompressionMax));
  header.record_count = LoadLittleEndian<std::uint32_t>(at + BatchLayout::kRecordCount);
  header.first_timestamp = static_cast<base::WallMillis>(
      LoadLittleEndian<std::uint64_t>(at + BatchLayout::kFirstTimestamp));
  header.max_timestamp = static_cast<base::WallMillis>(
      LoadLittleEndian<std::uint64_t>(at + BatchLayout::kMaxTimestamp));
  header.producer.epoch = LoadLittleEndian<std::uint16_t>(at + BatchLayout::kProducerEpoch);
  header.producer.sequence = LoadLittleEndian<std::uint32_t>(at + BatchLayout::kSequence);
  header.producer.id = LoadLittleEndian<std::uint64_t>(at + BatchLayout::kProducerId);
  return header;
}

std::uint32_t StampCrcOf(std::span<const std::byte> header) {
  TM_CHECK(header.size() >= kBatchHeaderBytes);
  const std::uint32_t crc = base::Crc32c(header.first(BatchLayout::kStampCrc));
  return base::ExtendCrc32c(crc,
                            header.subspan(BatchLayout::kLeaderEpoch,
                                           BatchLayout::kAttributes - BatchLayout::kLeaderEpoch));
}

BatchExamination ExamineBatch(std::span<const std::byte> bytes, BatchDepth depth,
                              std::int64_t batch_bytes_max) {
  BatchExamination result;
  if (result.defect = CheckMagic(bytes); result.defect.has_value()) return result;
  const auto stamp = LoadLittleEndian<std::uint32_t>(&bytes[BatchLayout::kStampCrc]);
  if (const std::uint32_t actual = StampCrcOf(bytes); actual != stamp) {
    result.defect = BatchDefect{BatchFault::kStamp, actual, stamp};
    return result;
  }
  if (result.defect = CheckLength(bytes, batch_bytes_max); result.defect.has_value()) {
    return result;
  }
  result.stamp_valid = true;
  result.header = LoadBatchHeader(bytes);
  if (depth == BatchDepth::kHeader) return result;
  if (bytes.size() < result.header.length_bytes) {
    result.defect =
        BatchDefect{BatchFault::kShortBody, std::ssize(bytes), result.header.length_bytes};
    return result;
  }
  result.defect = CheckBody(bytes.first(result.header.length_bytes), result.header);
  return result;
}

absl::StatusOr<BatchHeader> CheckArrivedBatch(std::span<const std::byte> bytes,
                                              const BatchLimits& limits) {
  const auto refuse = [](const BatchDefect& defect) {
    return defect.As(absl::StatusCode::kInvalidArgument);
  };
  if (auto defect = CheckMagic(bytes)) return refuse(*defect);
  if (auto defect = CheckLength(bytes, std::min(limits.batch_bytes_max, kBatchBytesCeiling))) {
    return refuse(*defect);
  }
  BatchHeader header = LoadBatchHeader(bytes);
  if (bytes.size() != header.length_bytes) {
    return refuse({BatchFault::kShortBody, std::ssize(bytes), header.length_bytes});
  }
  if (header.record_count > limits.record_count_max) {
    return refuse({BatchFault::kRecordCount, header.record_count, limits.record_count_max});
  }
  if (auto defect = CheckBody(bytes, header)) return refuse(*defect);
  if (auto defect = CheckRecords(header, bytes)) return refuse(*defect);
  header.base_offset = base::Offset(0);
  header.leader_epoch = 0;
  return header;
}

std::array<std::byte, kBatchHeaderBytes> StampedHeader(std::span<const std::byte> batch,
                                                       base::Offset base_offset,
                                                       std::uint32_t leader_epoch) {
  TM_CHECK(batch.size() >= kBatchHeaderBytes);
  std::array<std::byte, kBatchHeaderBytes> header;
  std::copy_n(batch.begin(), kBatchHeaderBytes, header.begin());
  StoreLittleEndian(leader_epoch, &header[BatchLayout::kLeaderEpoch]);
  StoreLittleEndian(static_cast<std::uint64_t>(base_offset.value()),
                    &header[BatchLayout::kBaseOffset]);
  StoreLittleEndian(StampCrcOf(header), &header[BatchLayout::kStampCrc]);
  return header;
}

}  // namespace tidemark::storage
