// Reads, checks and stamps batches. Every number in the bytes is checked before anything is
// allocated or followed because of it.
//
// Pure. What is wrong is a BatchDefect; whether that is the caller's fault or lost data is for the
// caller to say, by the status code it asks for.
//
// Lifetime:  functions over spans; nothing is kept.
// Threading: any thread.
// Errors:    CheckArrivedBatch → kInvalidArgument. BatchDefect::As(code) for all others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/codec/batch.h"

namespace tidemark::storage {

enum class BatchFault : std::uint8_t {
  kShortHeader,  // fewer bytes than a header
  kZeroHeader,   // nothing was written here
  kMagic,        // not a batch
  kVersion,      // a batch of a version we do not know
  kLength,       // shorter than a header, or above the limit
  kShortBody,    // fewer bytes than its length says
  kStamp,        // base offset, epoch, length or crc field were changed
  kCrc,          // the body was changed
  kRecordCount,  // none, or above the limit
  kAttributes,   // unknown bits
  kTimestamps,   // the maximum is before the first
  kRecords,      // the records do not fill the body exactly
};
std::string_view FaultName(BatchFault fault);

struct BatchDefect {
  BatchFault fault = BatchFault::kMagic;
  std::int64_t found = 0;
  std::int64_t expected = 0;  // or the limit

  absl::Status As(absl::StatusCode code) const;
};

struct BatchExamination {
  BatchHeader header;                 // meaningful if there is no defect
  std::optional<BatchDefect> defect;  // the first found
  // The stamp matched: header.length_bytes may be believed, even if the body is bad.
  bool stamp_valid = false;
};

enum class BatchDepth : std::uint8_t {
  kHeader,  // magic, version, length, stamp: enough to walk a log
  kBody,    // and the body's CRC and fields
};

// Examines the stamped batch that begins at bytes[0]; more may follow it. `batch_bytes_max` bounds
// the length that is believed.
BatchExamination ExamineBatch(std::span<const std::byte> bytes, BatchDepth depth,
                              std::int64_t batch_bytes_max = kBatchBytesCeiling);

// A batch as it comes from a client: exactly one, not stamped yet (base offset and epoch are
// ignored). Checks everything, also that the records are as many as it says.
absl::StatusOr<BatchHeader> CheckArrivedBatch(std::span<const std::byte> bytes,
                                              const BatchLimits& limits);

// The header of an arrived batch with the server's fields set.
std::array<std::byte, kBatchHeaderBytes> StampedHeader(std::span<const std::byte> batch,
                                                       base::Offset base_offset,
                                                       std::uint32_t leader_epoch);

// For the codec's own files and for tools: fields without any check. `bytes` ≥ a header.
BatchHeader LoadBatchHeader(std::span<const std::byte> bytes);
std::uint32_t StampCrcOf(std::span<const std::byte> header);

}  // namespace tidemark::storage
