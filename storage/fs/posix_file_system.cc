#include "storage/fs/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "storage/fs/posix_file.h"
#include "storage/fs/retry_on_interrupt.h"

namespace tidemark::storage {
namespace {

class FlockLock final : public FileLock {
 public:
  explicit FlockLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;  // closing it releases the lock
};

// Who holds the flock on this file, as far as the kernel tells: it does not where /proc is not that
// of the holder's namespace, or where the filesystem (btrfs) shows another device to stat.
std::optional<int> HolderOf(int file) {
  struct stat st {};
  if (::fstat(file, &st) != 0) return std::nullopt;
  const std::string wanted =
      absl::StrFormat("%02x:%02x:%d", major(st.st_dev), minor(st.st_dev), st.st_ino);
  std::ifstream locks("/proc/locks");
  // "3: FLOCK  ADVISORY  WRITE 4711 08:01:131077 0 EOF"
  for (std::string number, kind, mode, access, pid, where, rest; locks >> number >> kind;) {
    const bool waits = kind == "->";
    if (waits) locks >> kind;
    locks >> mode >> access >> pid >> where;
    std::getline(locks, rest);
    int holder = 0;
    if (!waits && kind == "FLOCK" && where == wanted && absl::SimpleAtoi(pid, &holder) &&
        holder > 0) {
      return holder;
    }
  }
  return std::nullopt;
}

absl::Status FromResult(int result, std::string_view call, std::string_view path) {
  return result == 0 ? absl::OkStatus() : PathError(errno, call, path);
}

int OpenFlags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kReadDirect:
      return O_RDONLY | O_DIRECT;
  }
  return O_RDONLY;
}

}  // namespace

absl::StatusOr<std::unique_ptr<File>> PosixFileSystem::Open(const std::string& path,
                                                            OpenMode mode) {
  bool direct = mode == OpenMode::kReadDirect;
  absl::StatusOr<Descriptor> opened = OpenDescriptor(path, OpenFlags(mode) | O_NOFOLLOW);
  if (direct && !opened.ok() && base::ErrnoOf(opened.status()) == EINVAL) {
    direct = false;
    opened = OpenDescriptor(path, O_RDONLY | O_NOFOLLOW);
  }
  if (!opened.ok()) return std::move(opened).status();
  return std::make_unique<PosixFile>(*std::move(opened), path, direct);
}

absl::Status PosixFileSystem::CreateDirectory(const std::string& path) {
  return FromResult(::mkdir(path.c_str(), S_IRWXU), "create directory", path);
}

absl::Status PosixFileSystem::RemoveFile(const std::string& path) {
  return FromResult(::unlink(path.c_str()), "unlink", path);
}

absl::Status PosixFileSystem::RemoveDirectory(const std::string& path) {
  return FromResult(::rmdir(path.c_str()), "remove directory", path);
}

absl::Status PosixFileSystem::Rename(const std::string& from, const std::string& to) {
  return FromResult(::rename(from.c_str(), to.c_str()), absl::StrFormat("rename '%s' to", from),
                    to);
}

absl::Status PosixFileSystem::SyncDirectory(const std::string& path) {
  TM_ASSIGN_OR_RETURN(const Descriptor directory, OpenDescriptor(path, O_RDONLY | O_DIRECTORY));
  return FromResult(RetryOnInterrupt([&] { return ::fsync(directory.get()); }), "fsync directory",
                    path);
}

absl::Status PosixFileSystem::SyncFileSystem(const std::string& path) {
  TM_ASSIGN_OR_RETURN(const Descriptor any, OpenDescriptor(path, O_RDONLY));
  return FromResult(RetryOnInterrupt([&] { return ::syncfs(any.get()); }), "syncfs", path);
}

absl::StatusOr<std::vector<std::string>> PosixFileSystem::List(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (directory == nullptr) return PathError(errno, "list", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return PathError(errno, "list", path);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<FileStat> PosixFileSystem::Stat(const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) return PathError(errno, "stat", path);
  return ToFileStat(st);
}

absl::StatusOr<FileSystemStat> PosixFileSystem::StatFileSystem(const std::string& path) {
  // One fstatfs instead of statvfs + statfs: all numbers are of the same moment. statvfs(3) is the
  // same call in other words (glibc: f_favail = f_ffree, f_frsize falls back to f_bsize).
  TM_ASSIGN_OR_RETURN(const Descriptor place, OpenDescriptor(path, O_PATH));
  struct statfs fs {};
  if (RetryOnInterrupt([&] { return ::fstatfs(place.get(), &fs); }) != 0) {
    return PathError(errno, "statfs", path);
  }
  struct stat st {};
  if (::fstat(place.get(), &st) != 0) return PathError(errno, "stat", path);

  FileSystemStat result;
  result.fragment_bytes = static_cast<std::uint64_t>(fs.f_frsize > 0 ? fs.f_frsize : fs.f_bsize);
  result.blocks_total = fs.f_blocks;
  result.blocks_free = fs.f_bfree;
  result.blocks_available = fs.f_bavail;
  result.inodes_total = fs.f_files;
  result.inodes_available = fs.f_ffree;
  result.read_only = (static_cast<std::uint64_t>(fs.f_flags) & ST_RDONLY) != 0;
  result.device_id = st.st_dev;
  result.file_system_id = std::bit_cast<std::uint64_t>(fs.f_fsid);
  result.type_magic = static_cast<std::uint64_t>(fs.f_type);
  return result;
}

absl::StatusOr<std::unique_ptr<FileLock>> PosixFileSystem::Lock(const std::string& path) {
  TM_ASSIGN_OR_RETURN(Descriptor file, OpenDescriptor(path, O_RDWR | O_NOFOLLOW));
  if (RetryOnInterrupt([&] { return ::flock(file.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno != EWOULDBLOCK) return PathError(errno, "lock", path);
    const auto holder = HolderOf(file.get());
    return absl::UnavailableError(absl::StrFormat(
        "lock '%s' refused: %s uses it", path,
        holder ? absl::StrFormat("process %d", *holder) : std::string("another process")));
  }
  return std::make_unique<FlockLock>(std::move(file));
}

}  // namespace tidemark::storage
