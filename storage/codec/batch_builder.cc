#include "storage/codec/batch_builder.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/fixed_int.h"
#include "storage/codec/batch_codec.h"
#include "storage/codec/varint.h"

namespace tidemark::storage {
namespace {

using base::StoreLittleEndian;

// What both builders fill in before the checksums.
struct HeaderFields {
  Compression compression = Compression::kNone;
  std::uint32_t record_count = 0;
  base::WallMillis first_timestamp = 0;
  base::WallMillis max_timestamp = 0;
  ProducerStamp producer;
};

// `bytes` has room for the header in front of its body.
Buffer Finish(std::vector<std::byte> bytes, const HeaderFields& fields) {
  std::byte* at = bytes.data();
  at[0] = std::byte{'T'};
  at[1] = std::byte{'M'};
  at[2] = std::byte{'B'};
  at[3] = std::byte{kBatchVersion};
  StoreLittleEndian(static_cast<std::uint32_t>(bytes.size()), at + BatchLayout::kLength);
  StoreLittleEndian(static_cast<std::uint16_t>(fields.compression), at + BatchLayout::kAttributes);
  StoreLittleEndian(fields.producer.epoch, at + BatchLayout::kProducerEpoch);
  StoreLittleEndian(fields.record_count, at + BatchLayout::kRecordCount);
  StoreLittleEndian(fields.producer.sequence, at + BatchLayout::kSequence);
  StoreLittleEndian(static_cast<std::uint64_t>(fields.first_timestamp),
                    at + BatchLayout::kFirstTimestamp);
  StoreLittleEndian(static_cast<std::uint64_t>(fields.max_timestamp),
                    at + BatchLayout::kMaxTimestamp);
  StoreLittleEndian(fields.producer.id, at + BatchLayout::kProducerId);
  StoreLittleEndian(
      base::Crc32c(std::span<const std::byte>(bytes).subspan(BatchLayout::kAttributes)),
      at + BatchLayout::kCrc);
  StoreLittleEndian(StampCrcOf(bytes), at + BatchLayout::kStampCrc);
  return Buffer::Take(std::move(bytes));
}

void AppendSized(std::span<const std::byte> bytes, std::vector<std::byte>& out) {
  AppendVarint(bytes.size(), out);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

void BatchBuilder::Add(const Record& record) {
  if (empty()) {
    bytes_.assign(kBatchHeaderBytes, std::byte{0});
    first_timestamp_ = max_timestamp_ = record.timestamp;
  }
  max_timestamp_ = std::max(max_timestamp_, record.timestamp);
  // Modulo 2^64, as the reader adds it back: no timestamp can overflow.
  const auto delta = static_cast<std::int64_t>(static_cast<std::uint64_t>(record.timestamp) -
                                               static_cast<std::uint64_t>(first_timestamp_));
  AppendVarint(ZigZag(delta), bytes_);
  AppendVarint(record.key.has_value() ? record.key->size() + 1 : 0, bytes_);
  if (record.key.has_value()) bytes_.insert(bytes_.end(), record.key->begin(), record.key->end());
  AppendSized(record.value, bytes_);
  AppendVarint(record.headers.size(), bytes_);
  for (const RecordHeader& header : record.headers) {
    AppendSized(std::as_bytes(std::span(header.name)), bytes_);
    AppendSized(header.value, bytes_);
  }
  ++record_count_;
}

Buffer BatchBuilder::Build() {
  TM_CHECK(!empty());
  return Finish(std::exchange(bytes_, {}), {.record_count = std::exchange(record_count_, 0),
                                            .first_timestamp = first_timestamp_,
                                            .max_timestamp = max_timestamp_,
                                            .producer = producer_});
}

Buffer BuildCompressedBatch(Compression compression, std::uint32_t record_count,
                            base::WallMillis first_timestamp, base::WallMillis max_timestamp,
                            std::span<const std::byte> payload, ProducerStamp producer) {
  std::vector<std::byte> bytes(kBatchHeaderBytes);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return Finish(std::move(bytes), {.compression = compression,
                                   .record_count = record_count,
                                   .first_timestamp = first_timestamp,
                                   .max_timestamp = max_timestamp,
                                   .producer = producer});
}

}  // namespace tidemark::storage
