// Space of the volume that is really allocated, synced and never used: the held evidence that a
// volume has room. Only an unlink that meets ENOSPC itself may release it.
//
// Lifetime:  the FileSystem outlives it. Holds no descriptor.
// Threading: confined to one thread at a time; every call blocks on the disk.
// Errors:    Take → kResourceExhausted where there is no room, and leaves nothing of the try
//            behind. Verify → kNotFound (no reserve), kDataLoss (not really allocated, or not what
//            was written). Errno statuses of a failed sync are a device matter (space.md).
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "monitor/volume_layout.h"
#include "storage/fs/file_system.h"

namespace tidemark::monitor {

class ReserveFile {
 public:
  ReserveFile(storage::FileSystem& file_system, const VolumeLayout& layout);

  // Bytes that are there and allocated, by size and st_blocks; 0 if there is no file.
  absl::StatusOr<std::int64_t> HeldBytes() const;

  // Makes the reserve at least `bytes` long, for real: allocates what is missing, writes the last
  // block, syncs file and directory, reads back. Returns the bytes newly taken. A failed first try
  // is unlinked, a failed growth cut back to what was held.
  absl::StatusOr<std::int64_t> Take(std::int64_t bytes);

  // Held by doing: size and st_blocks, last block rewritten, synced and read back.
  absl::Status Verify(std::int64_t bytes);

  // Gives all of it back.
  absl::Status Release();

 private:
  absl::Status Grow(storage::File& file, std::int64_t to);
  absl::Status ProveLastBlock(storage::File& file, std::int64_t size);

  storage::FileSystem& file_system_;
  VolumeLayout layout_;
  std::uint64_t writes_ = 0;  // makes every written block different from the one before
};

}  // namespace tidemark::monitor
