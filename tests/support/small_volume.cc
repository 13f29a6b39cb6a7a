#include "tests/support/small_volume.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "tests/support/loop_device.h"
#include "tests/support/private_mounts.h"

namespace tidemark::support {
namespace {

constexpr const char* kMakeExt4Places[] = {"/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"};

absl::StatusOr<std::string> FindMakeExt4() {
  for (const char* place : kMakeExt4Places) {
    if (::access(place, X_OK) == 0) return std::string(place);
  }
  return absl::UnimplementedError("no ext4 volume: mkfs.ext4 (package e2fsprogs) is not installed");
}

absl::Status Run(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  char* no_environment[] = {nullptr};
  const int failed =
      ::posix_spawn(&pid, words[0].c_str(), &actions, nullptr, arguments.data(), no_environment);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return base::ErrnoStatus(failed, absl::StrFormat("run '%s'", words[0]));
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrFormat("'%s' ended with status %d", words[0], status));
}

// EPERM means the machine does not let us; everything else is a defect worth seeing.
absl::Status MountError(std::string_view what) {
  const int error_number = errno;
  if (error_number == EPERM || error_number == EACCES || error_number == ENODEV) {
    return absl::UnimplementedError(absl::StrFormat("no small volume: may not mount %s here (%s)",
                                                    what, base::ErrnoName(error_number)));
  }
  return base::ErrnoStatus(error_number, absl::StrFormat("mount %s", what));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SmallVolume>> SmallVolume::Create(const Options& options) {
  if (options.private_mount) TM_RETURN_IF_ERROR(EnterPrivateMounts());
  if (options.kind == Kind::kAny) {
    Options choice = options;
    choice.kind = Kind::kExt4;
    auto ext4 = Create(choice);
    if (ext4.ok() || ext4.status().code() != absl::StatusCode::kUnimplemented) return ext4;
    choice.kind = Kind::kTmpfs;
    return Create(choice);
  }
  std::unique_ptr<SmallVolume> volume(new SmallVolume(options.kind, options));
  if (::mkdir(volume->path_.c_str(), S_IRWXU) != 0) return base::ErrnoStatus(errno, "mkdir");
  if (options.kind == Kind::kTmpfs) {
    TM_RETURN_IF_ERROR(volume->MountTmpfs());
  } else {
    TM_RETURN_IF_ERROR(volume->MakeExt4Image());
    TM_RETURN_IF_ERROR(volume->MountExt4());
  }
  if (options.world_writable) {
    constexpr mode_t kEverybody = 0777;
    constexpr mode_t kEverybodyMayPass = 0755;
    if (::chmod(volume->path_.c_str(), kEverybody) != 0 ||
        ::chmod(volume->home_.path().c_str(), kEverybodyMayPass) != 0) {
      return base::ErrnoStatus(errno, "chmod");
    }
  }
  return volume;
}

absl::Status SmallVolume::Available(Kind kind) { return Create({.kind = kind}).status(); }

SmallVolume::SmallVolume(Kind kind, const Options& options)
    : path_(home_.File("mount")), kind_(kind), options_(options) {}

SmallVolume::~SmallVolume() {
  if (mounted_ && ::umount2(path_.c_str(), 0) != 0) ::umount2(path_.c_str(), MNT_DETACH);
}

absl::Status SmallVolume::MountTmpfs() {
  const std::string settings =
      absl::StrFormat("size=%d,nr_inodes=%d,mode=0755", options_.size_bytes, options_.inodes);
  if (::mount("tidemark-test", path_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, settings.c_str()) !=
      0) {
    return MountError("tmpfs");
  }
  mounted_ = true;
  return absl::OkStatus();
}

absl::Status SmallVolume::MakeExt4Image() {
  if (::geteuid() != 0) return absl::UnimplementedError("no ext4 volume: not root");
  TM_ASSIGN_OR_RETURN(const std::string make_ext4, FindMakeExt4());
  const std::string image = home_.File("image");
  const int fd = ::open(image.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return base::ErrnoStatus(errno, "create image");
  const int failed = ::ftruncate(fd, options_.size_bytes);
  ::close(fd);
  if (failed != 0) return base::ErrnoStatus(errno, "size image");
  std::vector<std::string> words = {make_ext4,
                                    "-q",
                                    "-F",
                                    "-b",
                                    "4096",
                                    "-m",
                                    absl::StrFormat("%d", options_.reserved_percent),
                                    "-E",  // nothing written behind our back after the mount
                                    "lazy_itable_init=0,lazy_journal_init=0,nodiscard"};
  if (options_.inodes > 0) {
    words.insert(words.end(), {"-N", absl::StrFormat("%d", options_.inodes)});
  }
  words.push_back(image);
  return Run(std::move(words));
}

absl::Status SmallVolume::MountExt4() {
  TM_ASSIGN_OR_RETURN(const LoopDevice device, LoopDevice::Attach(home_.File("image")));
  if (::mount(device.path().c_str(), path_.c_str(), "ext4", MS_NOSUID | MS_NODEV, nullptr) != 0) {
    return MountError("ext4");
  }
  mounted_ = true;
  return absl::OkStatus();
}

absl::Status SmallVolume::RemountReadOnly(bool read_only) {
  unsigned long flags = MS_REMOUNT | MS_NOSUID | MS_NODEV;
  if (read_only) flags |= MS_RDONLY;
  if (::mount(nullptr, path_.c_str(), nullptr, flags, nullptr) != 0) {
    return base::ErrnoStatus(errno, "remount");
  }
  return absl::OkStatus();
}

absl::Status SmallVolume::Unmount() {
  if (::umount2(path_.c_str(), MNT_DETACH) != 0) return base::ErrnoStatus(errno, "umount");
  mounted_ = false;
  return absl::OkStatus();
}

absl::Status SmallVolume::MountAgain() {
  if (kind_ == Kind::kTmpfs) return absl::UnimplementedError("an unmounted tmpfs is gone");
  return MountExt4();
}

}  // namespace tidemark::support
