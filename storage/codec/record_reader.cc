#include "storage/codec/record_reader.h"

#include "absl/strings/str_format.h"
#include "storage/codec/varint.h"

namespace tidemark::storage {
namespace {

// `length` bytes at `position`, if there are so many.
std::optional<std::span<const std::byte>> ReadBytes(std::span<const std::byte> bytes,
                                                    std::uint64_t length, std::size_t& position) {
  if (length > bytes.size() - position) return std::nullopt;
  const auto taken = bytes.subspan(position, static_cast<std::size_t>(length));
  position += static_cast<std::size_t>(length);
  return taken;
}

std::optional<std::span<const std::byte>> ReadSized(std::span<const std::byte> bytes,
                                                    std::size_t& position) {
  const auto length = ReadVarint(bytes, position);
  if (!length.has_value()) return std::nullopt;
  return ReadBytes(bytes, *length, position);
}

bool ReadHeaders(std::span<const std::byte> bytes, std::size_t& position, Record& record) {
  const auto count = ReadVarint(bytes, position);
  // Each takes at least two bytes: a count above that is a lie, and nothing is reserved for it.
  if (!count.has_value() || *count > (bytes.size() - position) / 2) return false;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto name = ReadSized(bytes, position);
    if (!name.has_value()) return false;
    const auto value = ReadSized(bytes, position);
    if (!value.has_value()) return false;
    record.headers.push_back(
        {std::string_view(reinterpret_cast<const char*>(name->data()), name->size()), *value});
  }
  return true;
}

}  // namespace

RecordReader::RecordReader(const BatchHeader& header, std::span<const std::byte> batch)
    : header_(header), batch_(batch) {
  if (batch.size() < kBatchHeaderBytes || batch.size() != header.length_bytes) {
    defect_ = BatchDefect{BatchFault::kShortBody, std::ssize(batch), header.length_bytes};
  }
}

bool RecordReader::Fail() {
  defect_ =
      BatchDefect{BatchFault::kRecords, static_cast<std::int64_t>(position_), header_.length_bytes};
  return false;
}

bool RecordReader::Next(Record& record) {
  if (defect_.has_value() || header_.compression != Compression::kNone) return false;
  if (read_ == header_.record_count) {
    // Bytes left over are records that nobody counted.
    return position_ == batch_.size() ? false : Fail();
  }
  record.headers.clear();
  record.offset = header_.base_offset + read_;
  const auto delta = ReadVarint(batch_, position_);
  if (!delta.has_value()) return Fail();
  record.timestamp =
      static_cast<base::WallMillis>(static_cast<std::uint64_t>(header_.first_timestamp) +
                                    static_cast<std::uint64_t>(UnZigZag(*delta)));
  const auto key_length = ReadVarint(batch_, position_);
  if (!key_length.has_value()) return Fail();
  record.key.reset();
  if (*key_length > 0) {
    record.key = ReadBytes(batch_, *key_length - 1, position_);
    if (!record.key.has_value()) return Fail();
  }
  const auto value = ReadSized(batch_, position_);
  if (!value.has_value()) return Fail();
  record.value = *value;
  if (!ReadHeaders(batch_, position_, record)) return Fail();
  ++read_;
  return true;
}

absl::Status RecordReader::status(absl::StatusCode code) const {
  if (defect_.has_value()) return defect_->As(code);
  if (header_.compression != Compression::kNone) {
    return absl::UnimplementedError(
        absl::StrFormat("read records of a compressed batch (codec %d): decompress it first",
                        static_cast<int>(header_.compression)));
  }
  return absl::OkStatus();
}

}  // namespace tidemark::storage
