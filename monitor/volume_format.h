// Makes a volume of an empty directory: what `tidemark-spu format DIR` does. The daemon never does.
//
// The marker is written last and appears whole (rename), so that a format that died half-way
// leaves a directory that is no volume and that a second format finishes.
//
// Lifetime:  stateless.
// Threading: any; blocks on the disk.
// Errors:    kAlreadyExists if it is a volume already; kFailedPrecondition if the directory holds
//            anything else, or is no mount point where one is required; kUnimplemented on a
//            copy-on-write filesystem that cannot overwrite in place; kResourceExhausted if the few
//            blocks do not fit; else errno statuses. A refused format has changed nothing.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "monitor/volume_marker.h"
#include "storage/fs/file_system.h"

namespace tidemark::monitor {

struct FormatOptions {
  // Refuses a directory that lies on the same filesystem as its parent.
  bool require_mountpoint = false;
  // Refuses one that is too small for the marks it gets when nobody sets any.
  bool marks_must_fit = false;
};

absl::StatusOr<VolumeMarker> FormatVolume(storage::FileSystem& file_system,
                                          const std::string& directory,
                                          const FormatOptions& options, const base::Clock& clock);

}  // namespace tidemark::monitor
