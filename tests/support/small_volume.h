// A small real filesystem for one test: ext4, xfs or btrfs on a loop device (root), or tmpfs (root,
// or anyone in a user namespace of its own).
//
//   auto volume = SmallVolume::Create({.kind = SmallVolume::Kind::kExt4, .size_bytes = 64 * kMiB});
//   if (!volume.ok()) GTEST_SKIP() << volume.status().message();
//
// The first Create of a process moves it into a private mount namespace, so that a crashed test
// leaves nothing mounted. It must come before the process starts threads or children that need the
// mount; a process with threads already keeps its namespace.
//
// Lifetime:  unmounted (lazily, if a file is still open) when destroyed.
// Threading: confined.
// Errors:    kUnimplemented with the reason where this machine cannot; anything else is a failure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/support/temp_directory.h"

namespace tidemark::support {

class SmallVolume {
 public:
  enum class Kind : std::uint8_t {
    kAny,  // ext4 where possible, else tmpfs
    kExt4,
    kTmpfs,
    kXfs,    // 300 MiB at least
    kBtrfs,  // 114 MiB at least
  };
  struct Options {
    Kind kind = Kind::kAny;
    std::int64_t size_bytes = 64 * 1024 * 1024;
    std::int64_t inodes = 0;            // not btrfs; 0: the filesystem's own choice
    std::int64_t blocks_per_group = 0;  // ext4, which grows in whole groups; 0: its own choice
    int reserved_percent = 0;           // ext4: blocks only root may use
    std::int64_t quota_bytes = 0;       // btrfs: path() is a subvolume limited to this
    // Where the image lies; empty: in a directory of its own. On a smaller ext4: a thin volume, of
    // which the first `backed_bytes` (with the journal) are really there.
    std::string image_directory;
    std::int64_t backed_bytes = 0;
    bool private_mount = true;    // false: visible to every process of the machine
    bool world_writable = false;  // for daemons that drop their privileges
  };

  static absl::StatusOr<std::unique_ptr<SmallVolume>> Create(const Options& options);
  // OK if Create({.kind = kind}) would work here.
  static absl::Status Available(Kind kind);

  ~SmallVolume();
  SmallVolume(const SmallVolume&) = delete;
  SmallVolume& operator=(const SmallVolume&) = delete;

  const std::string& path() const { return path_; }  // the mount point, or the subvolume in it
  Kind kind() const { return kind_; }
  std::int64_t size_bytes() const { return options_.size_bytes; }
  std::int64_t quota_bytes() const { return options_.quota_bytes; }

  // Makes the mounted filesystem larger; tmpfs gets inodes in proportion. kUnimplemented where this
  // process may not (ext4 wants CAP_SYS_RESOURCE): then GrowUnmounted.
  absl::Status Grow(std::int64_t bytes);
  // ext4, while nobody has anything in it open: taken away, grown, brought back.
  absl::Status GrowUnmounted(std::int64_t bytes);
  // btrfs with a quota.
  absl::Status GrowQuota(std::int64_t bytes);

  absl::Status RemountReadOnly(bool read_only);
  // Takes the filesystem away (its files stay reachable through open descriptors) and leaves the
  // empty mount point: what a lost mount looks like.
  absl::Status Unmount();
  // Brings an unmounted image back; kUnimplemented on tmpfs, whose files are gone.
  absl::Status MountAgain();

 private:
  SmallVolume(Kind kind, const Options& options);
  absl::Status Make();
  absl::Status MountTmpfs(unsigned long more_flags);
  absl::Status MakeImage();
  absl::Status BackImage();
  absl::Status MountImage();
  absl::Status GrowImage(std::int64_t bytes);
  absl::Status LengthenImage(std::int64_t bytes);
  absl::Status OpenToEverybody();

  TempDirectory home_;  // holds the mount point and, unless told otherwise, the image
  std::string mount_point_;
  std::string path_;
  std::string image_;
  std::string device_;  // of the mounted image
  Kind kind_;
  Options options_;
  bool mounted_ = false;
};

}  // namespace tidemark::support
