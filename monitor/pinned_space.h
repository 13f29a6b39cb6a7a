// Names who keeps space that was deleted: files on the volume's device without a name, still open
// in some process. Freeing them by name is impossible; only their holder can let go.
//
// Sees what /proc shows to this user: processes of others count as unreadable. Mappings without a
// descriptor, snapshots and reflinks are not seen.
//
// Lifetime:  stateless.
// Threading: any; walks /proc (milliseconds), and asks the filesystem about deleted files only.
// Errors:    none: what cannot be read is left out and counted.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::monitor {

struct PinnedFile {
  pid_t pid = 0;  // one of those that hold it
  std::string command;
  std::string path;  // as it was before it was deleted
  std::int64_t allocated_bytes = 0;
};

struct PinnedSpace {
  std::vector<PinnedFile> files;  // largest first
  std::int64_t allocated_bytes = 0;
  int unreadable_processes = 0;
};

PinnedSpace FindPinnedSpace(std::uint64_t device_id, std::size_t max_files,
                            const std::string& proc = "/proc");

}  // namespace tidemark::monitor
