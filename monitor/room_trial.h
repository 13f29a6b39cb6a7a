// Shows that there is room beyond what is kept, where no reading can show it (a quota; a filesystem
// whose statvfs says more than it gives): takes it for real, in a file of its own, and gives it
// back.
//
// Lifetime:  the FileSystem outlives it. Holds no descriptor.
// Threading: confined to one thread at a time; every call blocks on the disk.
// Errors:    ReserveResult, as the reserve: what failed matters as much as how.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "monitor/reserve_file.h"
#include "monitor/volume_layout.h"
#include "storage/fs/file_system.h"

namespace tidemark::monitor {

class RoomTrial {
 public:
  RoomTrial(storage::FileSystem& file_system, const VolumeLayout& layout);

  // Allocates, writes the last block and syncs; whatever became of it, nothing is left afterwards.
  ReserveResult Run(std::int64_t bytes);

  // What a process that died in a trial left.
  absl::Status RemoveLeftover();

 private:
  ReserveResult Take(std::int64_t bytes);

  storage::FileSystem& file_system_;
  VolumeLayout layout_;
};

}  // namespace tidemark::monitor
