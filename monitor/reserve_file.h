// Space of the volume that is really allocated, synced and never used: the held evidence that a
// volume has room. Only an unlink that meets ENOSPC itself may release it.
//
// Lifetime:  the FileSystem outlives it. Holds no descriptor.
// Threading: confined to one thread at a time; every call blocks on the disk.
// Errors:    ReserveResult: what failed matters as much as how (space.md: the operation outranks
// the
//            errno). Bytes that do not read back, or are not there, are kDataLoss.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "monitor/errno_verdict.h"
#include "monitor/volume_layout.h"
#include "storage/fs/file_system.h"

namespace tidemark::monitor {

struct ReserveResult {
  absl::Status status;
  DiskOperation operation = DiskOperation::kAllocate;  // that failed
  std::int64_t held_bytes = 0;                         // afterwards, by size and st_blocks
  std::int64_t taken_bytes = 0;                        // by this call

  bool ok() const { return status.ok(); }
};

class ReserveFile {
 public:
  ReserveFile(storage::FileSystem& file_system, const VolumeLayout& layout);

  // Bytes that are there and allocated, by size and st_blocks; 0 if there is no file.
  absl::StatusOr<std::int64_t> HeldBytes() const;

  // Makes the reserve at least `bytes` long, for real: allocates what is missing, writes the last
  // block, syncs file and directory, reads back. A failed first try is unlinked, a failed growth
  // cut back to what was held.
  ReserveResult Take(std::int64_t bytes);

  // Held by doing: size and st_blocks, last block rewritten, synced and read back; what is more
  // than `bytes` is given back. kNotFound if there is none.
  ReserveResult Verify(std::int64_t bytes);

  // Gives all of it back.
  absl::Status Release();

 private:
  struct Failure {
    DiskOperation operation = DiskOperation::kAllocate;
    absl::Status status;
  };
  using Outcome = std::optional<Failure>;  // none: it worked

  Outcome TakeAtLeast(std::int64_t bytes);
  Outcome VerifyAtLeast(std::int64_t bytes);
  Outcome Grow(storage::File& file, std::int64_t from, std::int64_t to);
  Outcome ProveLastBlock(storage::File& file, std::int64_t size);
  ReserveResult ResultOf(const Outcome& outcome, std::int64_t held_before) const;

  storage::FileSystem& file_system_;
  VolumeLayout layout_;
  std::uint64_t writes_ = 0;  // makes every written block different from the one before
};

}  // namespace tidemark::monitor
