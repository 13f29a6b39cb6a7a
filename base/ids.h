// The numbers that name things across folders.
#pragma once

#include <cstdint>

#include "base/strong_int.h"

namespace tidemark::base {

// Position of a record in its partition, counted from 0. -1 where there is none.
using Offset = StrongInt<struct OffsetTag, std::int64_t>;
// Bytes from the start of a file.
using FilePosition = StrongInt<struct FilePositionTag, std::int64_t>;
// Number of a volume's durable verdict; only ever grows. 0: none was ever written.
using Generation = StrongInt<struct GenerationTag, std::uint64_t>;
// Number of an OutOfSpace episode on one volume; only ever grows. 0: none yet.
using Episode = StrongInt<struct EpisodeTag, std::uint64_t>;
// Never reused, chosen by the SC; names the partition's directory (16 hex digits).
using PartitionId = StrongInt<struct PartitionIdTag, std::uint64_t>;
// Number of one SPU-SC session, minted and made durable by the SC; only ever grows.
using SessionId = StrongInt<struct SessionIdTag, std::uint64_t>;

}  // namespace tidemark::base
