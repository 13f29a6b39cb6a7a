#include "tests/integration/faults/shim/shim_scope.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tidemark::faults {
namespace {

FaultLog* shared_log = nullptr;
const char* scope = nullptr;

// Runs before the program's first instruction: nothing of it can pass unseen.
__attribute__((constructor)) void MapLog() {
  const char* path = std::getenv(kLogVariable);
  scope = std::getenv(kScopeVariable);
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

}  // namespace

FaultLog* SharedLog() { return shared_log; }

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

bool PathOf(int fd, char (&path)[PATH_MAX]) {
  if (shared_log == nullptr) return false;
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = '\0';
  return length > 0;
}

std::uint64_t KeyOf(int fd) {
  struct stat st {};
  return fstat(fd, &st) == 0 ? FileKey(st.st_dev, st.st_ino) : 0;
}

std::uint64_t KeyOf(const char* path) {
  struct stat st {};
  return lstat(path, &st) == 0 ? FileKey(st.st_dev, st.st_ino) : 0;
}

}  // namespace tidemark::faults
