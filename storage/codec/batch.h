// The batch: the unit on the wire and on disk. storage/FORMAT.md has it byte by byte.
//
// Two checksums, because two parties write it. The client's `crc` covers what the client says. The
// server's `stamp_crc` covers what the server sets in place (base offset, leader epoch) and ties it
// to that body, so that a batch that lies at the wrong place is not taken for a right one.
//
// Lifetime:  value types.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "base/ids.h"

namespace tidemark::storage {

inline constexpr std::uint8_t kBatchVersion = 1;
inline constexpr std::size_t kBatchHeaderBytes = 64;
// What the format allows at all; no length above it is believed, whatever the configuration says.
inline constexpr std::int64_t kBatchBytesCeiling = 16 * 1024 * 1024;

// Where each field lies; little-endian all.
struct BatchLayout {
  static constexpr std::size_t kMagic = 0;  // "TMB" and the version
  static constexpr std::size_t kLength = 4;
  static constexpr std::size_t kStampCrc = 8;
  static constexpr std::size_t kLeaderEpoch = 12;
  static constexpr std::size_t kBaseOffset = 16;
  static constexpr std::size_t kCrc = 24;
  static constexpr std::size_t kAttributes = 28;  // from here on, `crc` covers everything
  static constexpr std::size_t kProducerEpoch = 30;
  static constexpr std::size_t kRecordCount = 32;
  static constexpr std::size_t kSequence = 36;
  static constexpr std::size_t kFirstTimestamp = 40;
  static constexpr std::size_t kMaxTimestamp = 48;
  static constexpr std::size_t kProducerId = 56;
};

// How the records are compressed. The engine carries it and never decompresses.
enum class Compression : std::uint8_t { kNone = 0, kZstd = 1, kLz4 = 2 };

// Who sent it, for idempotence; only carried so far.
struct ProducerStamp {
  std::uint64_t id = 0;  // 0: not idempotent
  std::uint16_t epoch = 0;
  std::uint32_t sequence = 0;
  bool operator==(const ProducerStamp&) const = default;
};

struct BatchHeader {
  std::uint32_t length_bytes = 0;  // header included
  base::Offset base_offset;
  std::uint32_t leader_epoch = 0;
  std::uint32_t crc = 0;
  Compression compression = Compression::kNone;
  std::uint32_t record_count = 0;
  base::WallMillis first_timestamp = 0;
  base::WallMillis max_timestamp = 0;
  ProducerStamp producer;

  base::Offset end_offset() const { return base_offset + record_count; }
  bool operator==(const BatchHeader&) const = default;
};

struct BatchLimits {
  std::int64_t batch_bytes_max = 1024 * 1024;
  std::uint32_t record_count_max = 1'000'000;
};

}  // namespace tidemark::storage
