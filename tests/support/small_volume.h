// A small real filesystem for one test: ext4 on a loop device (root), or tmpfs (root, or anyone
// in a user namespace of its own).
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
  };
  struct Options {
    Kind kind = Kind::kAny;
    std::int64_t size_bytes = 64 * 1024 * 1024;
    std::int64_t inodes = 0;      // 0: the filesystem's own choice
    int reserved_percent = 0;     // ext4: blocks only root may use
    bool private_mount = true;    // false: visible to every process of the machine
    bool world_writable = false;  // for daemons that drop their privileges
  };

  static absl::StatusOr<std::unique_ptr<SmallVolume>> Create(const Options& options);
  // OK if Create({.kind = kind}) would work here.
  static absl::Status Available(Kind kind);

  ~SmallVolume();
  SmallVolume(const SmallVolume&) = delete;
  SmallVolume& operator=(const SmallVolume&) = delete;

  const std::string& path() const { return path_; }  // the mount point
  Kind kind() const { return kind_; }

  absl::Status RemountReadOnly(bool read_only);
  // Takes the filesystem away (its files stay reachable through open descriptors) and leaves the
  // empty mount point: what a lost mount looks like.
  absl::Status Unmount();
  // Brings an unmounted ext4 back; kUnimplemented on tmpfs, whose files are gone.
  absl::Status MountAgain();

 private:
  SmallVolume(Kind kind, const Options& options);
  absl::Status MountTmpfs();
  absl::Status MakeExt4Image();
  absl::Status MountExt4();

  TempDirectory home_;  // holds the mount point and the image
  std::string path_;
  Kind kind_;
  Options options_;
  bool mounted_ = false;
};

}  // namespace tidemark::support
