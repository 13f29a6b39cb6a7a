// A file seen through one buffer that moves forward over it.
//
// Lifetime:  borrows the file. A view is valid until the next call.
// Threading: confined; blocks on the disk.
// Errors:    errno statuses of reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/fs/file_system.h"

namespace tidemark::storage {

class FileWindow {
 public:
  // Sees the file up to `end` and reads `chunk_bytes` at a time.
  FileWindow(const File& file, base::FilePosition end, std::size_t chunk_bytes)
      : file_(file), end_(end), chunk_bytes_(chunk_bytes) {}

  // At least `wanted` bytes from `position` on, fewer only at the end; more if they are there
  // anyway. The buffer grows to `wanted`: the caller bounds it.
  absl::StatusOr<std::span<const std::byte>> At(base::FilePosition position, std::size_t wanted);

  base::FilePosition end() const { return end_; }

 private:
  const File& file_;
  base::FilePosition end_;
  std::size_t chunk_bytes_;
  base::FilePosition begin_;  // where buffer_ lies in the file
  std::vector<std::byte> buffer_;
};

}  // namespace tidemark::storage
