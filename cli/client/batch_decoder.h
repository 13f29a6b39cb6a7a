// Turns the bytes of a Batches message into records, checked.
//
// Remembers the next offset: a gap, a repetition or a batch that fails its CRC is an error, never
// something to skip.
//
// Lifetime:  value type; the records are copies.
// Threading: confined.
// Errors:    kDataLoss with the offset and what was wrong.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/client/consumer.h"

namespace tidemark::client {

class BatchDecoder {
 public:
  // The first batch may begin before `next_offset`; its earlier records are dropped.
  explicit BatchDecoder(std::int64_t next_offset) : next_offset_(next_offset) {}

  absl::StatusOr<std::vector<IncomingRecord>> Decode(std::string_view batches);

  std::int64_t next_offset() const { return next_offset_; }

 private:
  std::int64_t next_offset_;
};

}  // namespace tidemark::client
