// CRC-32C (Castagnoli), the checksum of everything on disk and on the wire. RFC 3720 §B.4 vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tidemark::base {

// CRC of the bytes that `crc` already covers followed by `data`; start with 0.
std::uint32_t ExtendCrc32c(std::uint32_t crc, std::span<const std::byte> data);
inline std::uint32_t Crc32c(std::span<const std::byte> data) { return ExtendCrc32c(0, data); }

}  // namespace tidemark::base
