// Walks the records of one uncompressed batch without copying them.
//
//   RecordReader reader(header, batch.bytes());
//   while (reader.Next(record)) …
//   TM_RETURN_IF_ERROR(reader.status(absl::StatusCode::kDataLoss));
//
// Lifetime:  the records refer to the bytes given.
// Threading: confined.
// Errors:    a malformed record ends the walk; status() says at which byte. A compressed batch has
//            no records here: status() is kUnimplemented.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "storage/codec/batch.h"
#include "storage/codec/batch_codec.h"
#include "storage/codec/record.h"

namespace tidemark::storage {

class RecordReader {
 public:
  // `batch`: header.length_bytes bytes, header included, CRC checked by the caller.
  RecordReader(const BatchHeader& header, std::span<const std::byte> batch);

  // False at the end or at the first malformed record.
  bool Next(Record& record);

  // Something is wrong with the records, or they did not fill the body exactly.
  const std::optional<BatchDefect>& defect() const { return defect_; }
  absl::Status status(absl::StatusCode code) const;

 private:
  bool Fail();

  BatchHeader header_;
  std::span<const std::byte> batch_;
  std::size_t position_ = kBatchHeaderBytes;
  std::uint32_t read_ = 0;
  std::optional<BatchDefect> defect_;
};

}  // namespace tidemark::storage
