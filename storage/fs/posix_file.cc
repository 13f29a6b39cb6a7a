#include "storage/fs/posix_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "storage/fs/retry_on_interrupt.h"

namespace tidemark::storage {
namespace {

constexpr std::size_t kMaxSlicesPerCall = 64;
static_assert(kMaxSlicesPerCall <= IOV_MAX);

// Fills `batch` with the slices from `index` on, leaving out the first `skip` bytes of the first.
std::size_t NextBatch(std::span<const iovec> slices, std::size_t index, std::size_t skip,
                      std::array<iovec, kMaxSlicesPerCall>& batch) {
  const std::size_t count = std::min(kMaxSlicesPerCall, slices.size() - index);
  std::copy_n(slices.begin() + static_cast<std::ptrdiff_t>(index), count, batch.begin());
  batch[0].iov_base = static_cast<std::byte*>(batch[0].iov_base) + skip;
  batch[0].iov_len -= skip;
  return count;
}

}  // namespace

Descriptor::~Descriptor() {
  // Not retried on EINTR: Linux has closed the descriptor by then.
  if (fd_ >= 0) ::close(fd_);
}

absl::Status PathError(int error_number, std::string_view call, std::string_view path) {
  return base::ErrnoStatus(error_number, absl::StrFormat("%s '%s'", call, path));
}

FileStat ToFileStat(const struct stat& st) {
  constexpr std::int64_t kStatBlockBytes = 512;  // whatever st_blksize says
  return FileStat{.size = st.st_size,
                  .allocated_bytes = st.st_blocks * kStatBlockBytes,
                  .inode = st.st_ino,
                  .links = static_cast<std::uint32_t>(st.st_nlink)};
}

absl::StatusOr<Descriptor> OpenDescriptor(const std::string& path, int flags) {
  const int fd =
      RetryOnInterrupt([&] { return ::open(path.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR); });
  if (fd < 0) return PathError(errno, (flags & O_CREAT) != 0 ? "create" : "open", path);
  return Descriptor(fd);
}

PosixFile::PosixFile(Descriptor descriptor, std::string path, bool direct)
    : descriptor_(std::move(descriptor)), path_(std::move(path)), direct_(direct) {}

absl::StatusOr<std::size_t> PosixFile::ReadAt(base::FilePosition position,
                                              std::span<std::byte> out) const {
  std::size_t total = 0;
  while (total < out.size()) {
    const ssize_t got = RetryOnInterrupt([&] {
      return ::pread(descriptor(), out.data() + total, out.size() - total,
                     position.value() + static_cast<off_t>(total));
    });
    if (got < 0) return PathError(errno, "read", path_);
    total += static_cast<std::size_t>(got);
    // With O_DIRECT a short read is the end of the file; going on from there would be unaligned.
    if (got == 0 || direct_) break;
  }
  return total;
}

absl::Status PosixFile::WriteAt(base::FilePosition position, std::span<const iovec> slices,
                                std::size_t* written) {
  std::size_t total = 0;
  std::size_t index = 0;
  std::size_t skip = 0;
  absl::Status status;
  while (true) {
    while (index < slices.size() && slices[index].iov_len == skip) {
      ++index;
      skip = 0;
    }
    if (index == slices.size()) break;
    std::array<iovec, kMaxSlicesPerCall> batch;
    const std::size_t count = NextBatch(slices, index, skip, batch);
    const ssize_t put = RetryOnInterrupt([&] {
      return ::pwritev(descriptor(), batch.data(), static_cast<int>(count),
                       position.value() + static_cast<off_t>(total));
    });
    if (put <= 0) {
      status = PathError(put < 0 ? errno : EIO, "write", path_);
      break;
    }
    total += static_cast<std::size_t>(put);
    std::size_t rest = static_cast<std::size_t>(put);
    while (rest > 0) {
      const std::size_t taken = std::min(rest, slices[index].iov_len - skip);
      rest -= taken;
      skip += taken;
      if (skip == slices[index].iov_len) {
        ++index;
        skip = 0;
      }
    }
  }
  if (written != nullptr) *written = total;
  return status;
}

absl::Status PosixFile::SyncData() {
  if (RetryOnInterrupt([&] { return ::fdatasync(descriptor()); }) != 0) {
    return PathError(errno, "fdatasync", path_);
  }
  return absl::OkStatus();
}

absl::Status PosixFile::SyncAll() {
  if (RetryOnInterrupt([&] { return ::fsync(descriptor()); }) != 0) {
    return PathError(errno, "fsync", path_);
  }
  return absl::OkStatus();
}

absl::Status PosixFile::Allocate(base::FilePosition position, std::int64_t length) {
  // fallocate, not posix_fallocate: glibc's fallback writes every block, which on a full disk
  // fails half-way with blocks taken and looks like success on a filesystem that cannot promise.
  if (RetryOnInterrupt([&] { return ::fallocate(descriptor(), 0, position.value(), length); }) !=
      0) {
    return PathError(errno, absl::StrFormat("allocate %d bytes at %d of", length, position.value()),
                     path_);
  }
  return absl::OkStatus();
}

absl::Status PosixFile::Truncate(std::int64_t size) {
  if (RetryOnInterrupt([&] { return ::ftruncate(descriptor(), size); }) != 0) {
    return PathError(errno, absl::StrFormat("truncate to %d bytes", size), path_);
  }
  return absl::OkStatus();
}

absl::StatusOr<FileStat> PosixFile::Stat() const {
  struct stat st {};
  if (::fstat(descriptor(), &st) != 0) return PathError(errno, "stat", path_);
  return ToFileStat(st);
}

absl::Status PosixFile::SetNoCow() {
  int flags = 0;
  int failed = ::ioctl(descriptor(), FS_IOC_GETFLAGS, &flags);
  if (failed == 0) {
    flags |= FS_NOCOW_FL;
    failed = ::ioctl(descriptor(), FS_IOC_SETFLAGS, &flags);
  }
  if (failed == 0) {
    // btrfs accepts the flag silently on a file that already has data, and does not set it.
    flags = 0;
    failed = ::ioctl(descriptor(), FS_IOC_GETFLAGS, &flags);
    if (failed == 0 && (flags & FS_NOCOW_FL) != 0) return absl::OkStatus();
  }
  const int error_number = failed == 0 || errno == ENOTTY || errno == EINVAL ? EOPNOTSUPP : errno;
  return PathError(error_number, "set no-copy-on-write on", path_);
}

void PosixFile::ForgetCached() {
  // Fails only for what has no pages to drop, a pipe.
  static_cast<void>(::posix_fadvise(descriptor(), 0, 0, POSIX_FADV_DONTNEED));
}

}  // namespace tidemark::storage
