// What a job will take from the volume, said before its first system call so that the write budget
// can grant or refuse it.
#pragma once

#include <cstdint>

namespace tidemark::storage {

inline constexpr std::int64_t kBlockBytes = 4096;

constexpr std::int64_t RoundUpToBlock(std::int64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

struct SpaceCost {
  std::int64_t bytes = 0;
  std::int64_t inodes = 0;
  bool operator==(const SpaceCost&) const = default;
};

}  // namespace tidemark::storage
