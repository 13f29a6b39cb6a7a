// What a filesystem hands out at a time, everywhere we run: what takes a byte takes a block.
#pragma once

#include <cstdint>

namespace tidemark::base {

inline constexpr std::int64_t kBlockBytes = 4096;

constexpr std::int64_t RoundUpToBlock(std::int64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

}  // namespace tidemark::base
