#include "tests/support/small_volume.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "tests/support/file_system_tools.h"
#include "tests/support/loop_device.h"
#include "tests/support/private_mounts.h"

namespace tidemark::support {
namespace {

constexpr unsigned long kMountFlags = MS_NOSUID | MS_NODEV;

const char* TypeName(SmallVolume::Kind kind) {
  switch (kind) {
    case SmallVolume::Kind::kAny:
    case SmallVolume::Kind::kTmpfs:
      return "tmpfs";
    case SmallVolume::Kind::kExt4:
      return "ext4";
    case SmallVolume::Kind::kXfs:
      return "xfs";
    case SmallVolume::Kind::kBtrfs:
      return "btrfs";
  }
  return "tmpfs";
}

constexpr int kCapSysResource = 24;

bool HasCapability(int number) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:")) continue;
    return (std::stoull(line.substr(7), nullptr, 16) >> number & 1U) != 0;
  }
  return false;
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
  TM_RETURN_IF_ERROR(volume->Make());
  return volume;
}

absl::Status SmallVolume::Available(Kind kind) {
  constexpr std::int64_t kEnoughForXfs = std::int64_t{300} << 20;
  Options options{.kind = kind};
  if (kind == Kind::kXfs || kind == Kind::kBtrfs) options.size_bytes = kEnoughForXfs;
  return Create(options).status();
}

SmallVolume::SmallVolume(Kind kind, const Options& options)
    : mount_point_(home_.File("mount")),
      path_(mount_point_),
      image_(options.image_directory.empty() ? home_.File("image")
                                             : options.image_directory + "/image"),
      kind_(kind),
      options_(options) {}

SmallVolume::~SmallVolume() {
  if (mounted_ && ::umount2(mount_point_.c_str(), 0) != 0) {
    ::umount2(mount_point_.c_str(), MNT_DETACH);
  }
}

absl::Status SmallVolume::Make() {
  if (::mkdir(mount_point_.c_str(), S_IRWXU) != 0) return base::ErrnoStatus(errno, "mkdir");
  if (kind_ == Kind::kTmpfs) {
    TM_RETURN_IF_ERROR(MountTmpfs(0));
  } else {
    TM_RETURN_IF_ERROR(MakeImage());
    TM_RETURN_IF_ERROR(MountImage());
  }
  if (options_.quota_bytes > 0) {
    path_ = mount_point_ + "/volume";
    TM_RETURN_IF_ERROR(MakeBtrfsQuota(mount_point_, path_, options_.quota_bytes));
  }
  return options_.world_writable ? OpenToEverybody() : absl::OkStatus();
}

absl::Status SmallVolume::OpenToEverybody() {
  constexpr mode_t kEverybody = 0777;
  constexpr mode_t kEverybodyMayPass = 0755;
  if (::chmod(mount_point_.c_str(), kEverybodyMayPass) != 0 ||
      ::chmod(path_.c_str(), kEverybody) != 0 ||
      ::chmod(home_.path().c_str(), kEverybodyMayPass) != 0) {
    return base::ErrnoStatus(errno, "chmod");
  }
  return absl::OkStatus();
}

absl::Status SmallVolume::MountTmpfs(unsigned long more_flags) {
  const std::string settings =
      absl::StrFormat("size=%d,nr_inodes=%d,mode=0755", options_.size_bytes, options_.inodes);
  if (::mount("tidemark-test", mount_point_.c_str(), "tmpfs", kMountFlags | more_flags,
              settings.c_str()) != 0) {
    return MountError("tmpfs");
  }
  mounted_ = true;
  return absl::OkStatus();
}

absl::Status SmallVolume::MakeImage() {
  if (::geteuid() != 0) {
    return absl::UnimplementedError(absl::StrFormat("no %s volume: not root", TypeName(kind_)));
  }
  const ImageOptions image{.size_bytes = options_.size_bytes,
                           .inodes = options_.inodes,
                           .blocks_per_group = options_.blocks_per_group,
                           .reserved_percent = options_.reserved_percent};
  const absl::Status made = kind_ == Kind::kXfs     ? MakeXfsImage(image_, image)
                            : kind_ == Kind::kBtrfs ? MakeBtrfsImage(image_, image)
                                                    : MakeExt4Image(image_, image);
  if (!made.ok()) return base::Annotate(made, absl::StrFormat("no %s volume", TypeName(kind_)));
  return options_.backed_bytes > 0 ? BackImage() : absl::OkStatus();
}

absl::Status SmallVolume::BackImage() {
  const int fd = ::open(image_.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return base::ErrnoStatus(errno, "open image");
  const int failed = ::fallocate(fd, 0, 0, options_.backed_bytes);
  const int error_number = errno;
  ::close(fd);
  return failed == 0 ? absl::OkStatus() : base::ErrnoStatus(error_number, "back image");
}

absl::Status SmallVolume::MountImage() {
  TM_ASSIGN_OR_RETURN(const LoopDevice device,
                      LoopDevice::Attach(image_, !options_.image_directory.empty()));
  // A thin volume gives back to its pool what was deleted.
  const char* settings = options_.image_directory.empty() ? nullptr : "discard";
  if (::mount(device.path().c_str(), mount_point_.c_str(), TypeName(kind_), kMountFlags,
              settings) != 0) {
    return MountError(TypeName(kind_));
  }
  device_ = device.path();
  mounted_ = true;
  return absl::OkStatus();
}

absl::Status SmallVolume::Grow(std::int64_t bytes) {
  if (kind_ != Kind::kTmpfs) return GrowImage(bytes);
  options_.inodes += options_.inodes * bytes / options_.size_bytes;
  options_.size_bytes += bytes;
  return MountTmpfs(MS_REMOUNT);
}

absl::Status SmallVolume::GrowImage(std::int64_t bytes) {
  if (kind_ == Kind::kExt4 && !HasCapability(kCapSysResource)) {
    return absl::UnimplementedError("ext4 grows while mounted only with CAP_SYS_RESOURCE");
  }
  TM_RETURN_IF_ERROR(LengthenImage(bytes));
  TM_RETURN_IF_ERROR(LoopDevice::TakeNewSize(device_));
  switch (kind_) {
    case Kind::kXfs:
      return RunTool({"xfs_growfs", mount_point_}).status();
    case Kind::kBtrfs:
      return RunTool({"btrfs", "filesystem", "resize", "max", mount_point_}).status();
    default:
      return RunTool({"resize2fs", device_}).status();
  }
}

absl::Status SmallVolume::LengthenImage(std::int64_t bytes) {
  options_.size_bytes += bytes;
  if (::truncate(image_.c_str(), options_.size_bytes) == 0) return absl::OkStatus();
  return base::ErrnoStatus(errno, "grow image");
}

absl::Status SmallVolume::GrowUnmounted(std::int64_t bytes) {
  if (kind_ != Kind::kExt4) return absl::UnimplementedError("only ext4 is grown unmounted");
  if (::umount2(mount_point_.c_str(), 0) != 0) return base::ErrnoStatus(errno, "umount");
  mounted_ = false;
  TM_RETURN_IF_ERROR(LengthenImage(bytes));
  TM_RETURN_IF_ERROR(RunTool({"resize2fs", "-f", image_}).status());
  return MountImage();
}

absl::Status SmallVolume::GrowQuota(std::int64_t bytes) {
  options_.quota_bytes += bytes;
  return SetBtrfsQuota(path_, options_.quota_bytes);
}

absl::Status SmallVolume::RemountReadOnly(bool read_only) {
  unsigned long flags = MS_REMOUNT | kMountFlags;
  if (read_only) flags |= MS_RDONLY;
  if (::mount(nullptr, mount_point_.c_str(), nullptr, flags, nullptr) != 0) {
    return base::ErrnoStatus(errno, "remount");
  }
  return absl::OkStatus();
}

absl::Status SmallVolume::Unmount() {
  if (::umount2(mount_point_.c_str(), MNT_DETACH) != 0) return base::ErrnoStatus(errno, "umount");
  mounted_ = false;
  return absl::OkStatus();
}

absl::Status SmallVolume::MountAgain() {
  if (kind_ == Kind::kTmpfs) return absl::UnimplementedError("an unmounted tmpfs is gone");
  return MountImage();
}

}  // namespace tidemark::support
