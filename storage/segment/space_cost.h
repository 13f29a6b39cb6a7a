// What a job will take from the volume, said before its first system call so that the write budget
// can grant or refuse it.
#pragma once

#include <cstdint>

#include "base/block.h"

namespace tidemark::storage {

using base::kBlockBytes;
using base::RoundUpToBlock;

struct SpaceCost {
  std::int64_t bytes = 0;
  std::int64_t inodes = 0;
  bool operator==(const SpaceCost&) const = default;
};

}  // namespace tidemark::storage
