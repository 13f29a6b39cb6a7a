// The preloaded library: stands before libc for every call that changes the disk.
//
// Only paths and descriptors below the scope count; everything else passes untouched. It knows no
// product code and needs nothing but libc: it is never sanitized, since ASan's own interceptors in
// the program call it (they find their next by RTLD_NEXT) and not the other way round.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/integration/faults/fault_log.h"
#include "tests/integration/faults/sync_errors.h"

namespace {

using tidemark::faults::BitOf;
using tidemark::faults::Call;
using tidemark::faults::CallNote;
using tidemark::faults::Deed;
using tidemark::faults::FaultLog;
using tidemark::faults::Plan;

FaultLog* shared_log = nullptr;
const char* scope = nullptr;

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// Runs before the program's first instruction: nothing of it can pass unseen.
__attribute__((constructor)) void MapLog() {
  const char* path = std::getenv(tidemark::faults::kLogVariable);
  scope = std::getenv(tidemark::faults::kScopeVariable);
  if (path == nullptr || scope == nullptr) return;
  const int fd = Next<int(const char*, int, ...)>("open")(path, O_RDWR | O_CLOEXEC);
  void* mapped = fd < 0
                     ? MAP_FAILED
                     : mmap(nullptr, sizeof(FaultLog), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) {
    std::perror("fault shim: its log");
    _exit(70);  // a day without the shim would be a day without faults
  }
  close(fd);
  shared_log = static_cast<FaultLog*>(mapped);
}

// Below one of the directories, or one of them itself.
bool InScope(const char* path) {
  if (shared_log == nullptr || path == nullptr) return false;
  for (const char* at = scope; *at != '\0';) {
    const std::size_t length = std::strcspn(at, ":");
    if (length > 0 && std::strncmp(path, at, length) == 0 &&
        (path[length] == '/' || path[length] == '\0')) {
      return true;
    }
    at += length;
    if (*at == ':') ++at;
  }
  return false;
}

// Where a descriptor's file is (or was: " (deleted)" is appended then).
bool PathOf(int fd, char (&path)[PATH_MAX]) {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = '\0';
  return length > 0;
}

std::uint64_t KeyOf(int fd) {
  struct stat st {};
  return fstat(fd, &st) == 0 ? tidemark::faults::FileKey(st.st_dev, st.st_ino) : 0;
}

std::uint64_t KeyOf(const char* path) {
  struct stat st {};
  return lstat(path, &st) == 0 ? tidemark::faults::FileKey(st.st_dev, st.st_ino) : 0;
}

tidemark::faults::SyncErrors sync_errors;

[[noreturn]] void Die() {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

void Stall(std::uint64_t for_ms) {
  constexpr int kLookEveryMs = 5;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(for_ms);
  while (std::chrono::steady_clock::now() < end && shared_log->let_go.load() == 0) {
    poll(nullptr, 0, kLookEveryMs);
  }
}

// One call on its way: numbered, struck or not, and noted when it is over.
class Passing {
 public:
  Passing(Call call, const char* path) : call_(call) {
    number_ = ++shared_log->calls;
    notes_before_ = shared_log->notes_taken.load();
    KeepEndOf(path);
    for (Plan& plan : shared_log->plans) {
      if (deed_ == Deed::kNothing) Take(plan);
    }
    if (deed_ != Deed::kKillBefore) return;
    Stall(stall_ms_);
    Die();
  }

  bool Fails() const { return deed_ == Deed::kFail; }
  int error_number() const { return error_number_; }

  // True: the caller returns -1 with errno set.
  bool Refused() {
    if (deed_ == Deed::kStall) Stall(stall_ms_);
    if (deed_ != Deed::kFail) return false;
    Note(error_number_, 0, 0, 0, nullptr, 0);
    errno = error_number_;
    return true;
  }

  // How much of a write may be done.
  std::size_t Allowed(std::size_t bytes) const {
    const bool half = deed_ == Deed::kShortWrite || deed_ == Deed::kKillAfter;
    return half && bytes > 1 ? bytes / 2 : bytes;
  }

  // To be called with what the real call returned; gives it back.
  template <typename Result>
  Result Ended(Result result, std::uint64_t file, std::int64_t position = 0, std::int64_t bytes = 0,
               const iovec* slices = nullptr, int slice_count = 0) {
    const int error_number = result < 0 ? errno : 0;
    Note(error_number, file, position, bytes, slices, slice_count);
    if (deed_ == Deed::kKillAfter) Die();
    errno = error_number;
    return result;
  }

 private:
  void KeepEndOf(const char* path) {
    const std::size_t length = std::strlen(path);
    const std::size_t kept = std::min<std::size_t>(length, sizeof path_ - 1);
    std::memcpy(path_, path + length - kept, kept);
    std::memset(path_ + kept, 0, sizeof path_ - kept);
  }

  bool IsTheOne(Plan& plan) const {
    const std::size_t length = std::strlen(path_);
    const std::size_t end = std::strlen(plan.only_path);
    return call_ == plan.only_call && length >= end &&
           std::strcmp(path_ + length - end, plan.only_path) == 0 &&
           ++plan.only_seen == plan.only_nth;
  }

  void Take(Plan& plan) {
    if (plan.from == 0 || number_ < plan.from || (plan.calls & BitOf(call_)) == 0) return;
    if (plan.only_call != Call::kNone && plan.fired.load() == 0 && !IsTheOne(plan)) return;
    if (plan.fired.fetch_add(1) > 0 && plan.sticky == 0) {
      plan.fired.fetch_sub(1);
      return;
    }
    std::uint64_t none = 0;
    if (plan.fired_at.compare_exchange_strong(none, number_)) {
      std::memcpy(plan.fired_path, path_, sizeof plan.fired_path);
      plan.fired_on.store(call_);
    }
    deed_ = plan.deed;
    error_number_ = plan.error_number;
    stall_ms_ = plan.stall_ms;
  }

  void Note(int error_number, std::uint64_t file, std::int64_t position, std::int64_t bytes,
            const iovec* slices, int slice_count) {
    const std::uint64_t at = shared_log->notes_taken.fetch_add(1);
    if (at >= tidemark::faults::kNotesMax) return;
    CallNote& note = shared_log->notes[at];
    note.call = call_;
    note.deed = deed_;
    note.error_number = error_number;
    note.number = number_;
    note.file = file;
    note.position = position;
    note.bytes = bytes;
    note.notes_before = notes_before_;
    std::memcpy(note.path, path_, sizeof note.path);
    if (slices != nullptr && error_number == 0) CopyData(note, slices, slice_count);
    note.done.store(1);
  }

  static void CopyData(CallNote& note, const iovec* slices, int slice_count) {
    auto left = static_cast<std::uint64_t>(note.bytes);
    note.data_at = shared_log->data_taken.fetch_add(left);
    if (note.data_at + left > tidemark::faults::kNoteBytesMax) return;
    unsigned char* to = shared_log->data + note.data_at;
    for (int i = 0; i < slice_count && left > 0; ++i) {
      const std::uint64_t length = std::min<std::uint64_t>(left, slices[i].iov_len);
      std::memcpy(to, slices[i].iov_base, length);
      to += length;
      left -= length;
    }
  }

  Call call_;
  Deed deed_ = Deed::kNothing;
  int error_number_ = 0;
  std::uint64_t stall_ms_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t notes_before_ = 0;
  char path_[tidemark::faults::kPathBytes];
};

// A call on a descriptor: `make` makes the real one.
template <typename Make>
int OnDescriptor(Call call, int fd, std::int64_t bytes, Make make) {
  char path[PATH_MAX];
  if (shared_log == nullptr || !PathOf(fd, path) || !InScope(path)) return make();
  Passing passing(call, path);
  if (passing.Refused()) return -1;
  const int result = make();
  return passing.Ended(result, KeyOf(fd), 0, bytes);
}

// A sync, whatever it is called.
template <typename Make>
int Sync(int fd, Make make) {
  char path[PATH_MAX];
  if (shared_log == nullptr || !PathOf(fd, path) || !InScope(path)) return make();
  Passing passing(Call::kSync, path);
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
  Passing passing(call, path);
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
  Passing passing(Call::kCreate, path);
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
  if (shared_log == nullptr || !PathOf(fd, path) || !InScope(path)) return make(slices, count);
  Passing passing(Call::kWrite, path);
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
