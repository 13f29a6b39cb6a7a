// The preloaded library: stands before libc for every call that changes the disk.
//
// Only paths and descriptors below the scope count; everything else passes untouched. It knows no
// product code and needs nothing but libc: it is never sanitized, since ASan's own interceptors in
// the program call it (they find their next by RTLD_NEXT) and not the other way round.
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdarg>

#include "tests/integration/faults/shim/passing_call.h"
#include "tests/integration/faults/shim/shim_scope.h"
#include "tests/integration/faults/sync_errors.h"

namespace {

using tidemark::faults::Call;
using tidemark::faults::InScope;
using tidemark::faults::KeyOf;
using tidemark::faults::Next;
using tidemark::faults::PassingCall;
using tidemark::faults::PathOf;

tidemark::faults::SyncErrors sync_errors;

// A call on a descriptor: `make` makes the real one.
template <typename Make>
int OnDescriptor(Call call, int fd, std::int64_t bytes, Make make) {
  char path[PATH_MAX];
  if (!PathOf(fd, path) || !InScope(path)) return make();
  PassingCall passing(call, path);
  if (passing.Refused()) return -1;
  const int result = make();
  return passing.Ended(result, KeyOf(fd), 0, bytes);
}

// A sync, whatever it is called.
template <typename Make>
int Sync(int fd, Make make) {
  char path[PATH_MAX];
  if (!PathOf(fd, path) || !InScope(path)) return make();
  PassingCall passing(Call::kSync, path);
  if (passing.Fails()) sync_errors.OnFailed(fd, KeyOf(fd), passing.error_number());
  if (passing.Refused()) return -1;
  int result = make();
  if (const int owed = result == 0 ? sync_errors.Owed(fd, KeyOf(fd)) : 0; owed != 0) {
    errno = owed;
    result = -1;
  }
  return passing.Ended(result, KeyOf(fd));
}

template <typename Make>
int OnPath(Call call, const char* path, Make make) {
  if (!InScope(path)) return make();
  PassingCall passing(call, path);
  if (passing.Refused()) return -1;
  const std::uint64_t file = KeyOf(path);
  const int result = make();
  return passing.Ended(result, file != 0 ? file : KeyOf(path));
}

template <typename Make>
int Open(const char* path, int flags, Make make) {
  if (!InScope(path)) return make();
  if ((flags & O_CREAT) == 0) {
    const int fd = make();
    sync_errors.OnOpen(fd);
    return fd;
  }
  PassingCall passing(Call::kCreate, path);
  if (passing.Refused()) return -1;
  const int fd = make();
  sync_errors.OnOpen(fd);
  return passing.Ended(fd, fd >= 0 ? KeyOf(fd) : 0);
}

// `position` < 0: where the descriptor stands.
ssize_t Write(int fd, const iovec* slices, int count, off_t position) {
  static auto* const real = Next<ssize_t(int, const iovec*, int, off_t)>("pwritev");
  static auto* const real_here = Next<ssize_t(int, const iovec*, int)>("writev");
  const auto make = [&](const iovec* from, int number) {
    return position >= 0 ? real(fd, from, number, position) : real_here(fd, from, number);
  };
  char path[PATH_MAX];
  if (!PathOf(fd, path) || !InScope(path)) return make(slices, count);
  PassingCall passing(Call::kWrite, path);
  if (passing.Refused()) return -1;
  iovec cut[IOV_MAX];
  std::size_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += slices[i].iov_len;
  std::size_t left = passing.Allowed(bytes);
  int used = 0;
  for (int i = 0; i < count && left > 0; ++i, ++used) {
    cut[used] = {slices[i].iov_base, std::min(left, slices[i].iov_len)};
    left -= cut[used].iov_len;
  }
  const off_t at = position >= 0 ? position : lseek(fd, 0, SEEK_CUR);
  const ssize_t result = make(cut, used);
  return passing.Ended(result, KeyOf(fd), at, result, cut, used);
}

mode_t ModeOf(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

// The names of libc. Its 64-bit twins are the same functions on this platform.
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return Open(path, flags, [&] {
    static auto* const real = Next<int(const char*, int, ...)>("open");
    return real(path, flags, mode);
  });
}

int open64(const char* path, int flags, ...) __attribute__((alias("open")));

int openat(int directory, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return Open(path, flags, [&] {
    static auto* const real = Next<int(int, const char*, int, ...)>("openat");
    return real(directory, path, flags, mode);
  });
}

ssize_t write(int fd, const void* bytes, size_t count) {
  const iovec slice{const_cast<void*>(bytes), count};
  return Write(fd, &slice, 1, -1);
}

ssize_t writev(int fd, const iovec* slices, int count) { return Write(fd, slices, count, -1); }

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t position) {
  const iovec slice{const_cast<void*>(bytes), count};
  return Write(fd, &slice, 1, position);
}

ssize_t pwrite64(int, const void*, size_t, off_t) __attribute__((alias("pwrite")));

ssize_t pwritev(int fd, const iovec* slices, int count, off_t position) {
  return Write(fd, slices, count, position);
}

ssize_t pwritev64(int, const iovec*, int, off_t) __attribute__((alias("pwritev")));

// The flags say how safe, not what: without them the day is the same.
ssize_t pwritev2(int fd, const iovec* slices, int count, off_t position, int) {
  return Write(fd, slices, count, position);
}

int fallocate(int fd, int mode, off_t position, off_t length) {
  return OnDescriptor(Call::kAllocate, fd, length, [&] {
    static auto* const real = Next<int(int, int, off_t, off_t)>("fallocate");
    return real(fd, mode, position, length);
  });
}

int fallocate64(int, int, off_t, off_t) __attribute__((alias("fallocate")));

// Returns its error instead of setting errno.
int posix_fallocate(int fd, off_t position, off_t length) {
  return fallocate(fd, 0, position, length) == 0 ? 0 : errno;
}

int ftruncate(int fd, off_t size) noexcept {
  return OnDescriptor(Call::kTruncate, fd, size, [&] {
    static auto* const real = Next<int(int, off_t)>("ftruncate");
    return real(fd, size);
  });
}

int ftruncate64(int, off_t) noexcept __attribute__((alias("ftruncate")));

int fsync(int fd) {
  return Sync(fd, [&] {
    static auto* const real = Next<int(int)>("fsync");
    return real(fd);
  });
}

int fdatasync(int fd) {
  return Sync(fd, [&] {
    static auto* const real = Next<int(int)>("fdatasync");
    return real(fd);
  });
}

int syncfs(int fd) noexcept {
  return Sync(fd, [&] {
    static auto* const real = Next<int(int)>("syncfs");
    return real(fd);
  });
}

int unlink(const char* path) noexcept {
  return OnPath(Call::kUnlink, path, [&] {
    static auto* const real = Next<int(const char*)>("unlink");
    return real(path);
  });
}

int unlinkat(int directory, const char* path, int flags) noexcept {
  const Call call = (flags & AT_REMOVEDIR) != 0 ? Call::kRemoveDirectory : Call::kUnlink;
  return OnPath(call, path, [&] {
    static auto* const real = Next<int(int, const char*, int)>("unlinkat");
    return real(directory, path, flags);
  });
}

int rmdir(const char* path) noexcept {
  return OnPath(Call::kRemoveDirectory, path, [&] {
    static auto* const real = Next<int(const char*)>("rmdir");
    return real(path);
  });
}

int rename(const char* from, const char* to) noexcept {
  return OnPath(Call::kRename, to, [&] {
    static auto* const real = Next<int(const char*, const char*)>("rename");
    return real(from, to);
  });
}

int mkdir(const char* path, mode_t mode) noexcept {
  return OnPath(Call::kMakeDirectory, path, [&] {
    static auto* const real = Next<int(const char*, mode_t)>("mkdir");
    return real(path, mode);
  });
}

}  // extern "C"
