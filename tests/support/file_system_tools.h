// The programs that make and grow filesystems, where this machine has them.
//
// Threading: any thread; every call runs one program to its end.
// Errors:    kUnimplemented, naming the Debian package, if a program is not installed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tidemark::support {

// An image as `mkfs` shall make it.
struct ImageOptions {
  std::int64_t size_bytes = 0;
  std::int64_t inodes = 0;            // ext4; 0: its own choice
  std::int64_t blocks_per_group = 0;  // ext4; 0: its own choice. Growth comes in whole groups
  int reserved_percent = 0;           // ext4: blocks only root may use
};

// `words[0]` is a name ("mkfs.xfs"); it is looked for where administrators' programs lie. What it
// prints is returned, or told by the error.
absl::StatusOr<std::string> RunTool(std::vector<std::string> words);

// kUnimplemented if the kernel does not know "xfs", "btrfs", …
absl::Status KernelHas(std::string_view file_system);

absl::Status MakeExt4Image(const std::string& image, const ImageOptions& options);
absl::Status MakeXfsImage(const std::string& image, const ImageOptions& options);
absl::Status MakeBtrfsImage(const std::string& image, const ImageOptions& options);

// A subvolume of the btrfs at `mount_point` under quota. kUnimplemented on a kernel without.
absl::Status MakeBtrfsQuota(const std::string& mount_point, const std::string& subvolume,
                            std::int64_t limit_bytes);
absl::Status SetBtrfsQuota(const std::string& subvolume, std::int64_t limit_bytes);
// What the quota has counted, after everything written has been counted.
absl::StatusOr<std::int64_t> BtrfsQuotaUsed(const std::string& subvolume);

}  // namespace tidemark::support
