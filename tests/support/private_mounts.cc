#include "tests/support/private_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <string>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace tidemark::support {
namespace {

absl::Status WriteText(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return base::ErrnoStatus(errno, absl::StrFormat("open '%s'", path));
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error_number = errno;
  ::close(fd);
  return whole ? absl::OkStatus()
               : base::ErrnoStatus(error_number, absl::StrFormat("write '%s'", path));
}

bool HasOtherThreads() {
  std::error_code error;
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task", error);
  return error || std::distance(begin(tasks), end(tasks)) > 1;
}

absl::Status EnterUserNamespace() {
  const std::string uid = absl::StrFormat("%d %d 1", ::geteuid(), ::geteuid());
  const std::string gid = absl::StrFormat("%d %d 1", ::getegid(), ::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    return absl::UnimplementedError(absl::StrFormat(
        "no small volume: not root, and no user namespace either (%s)", base::ErrnoName(errno)));
  }
  TM_RETURN_IF_ERROR(WriteText("/proc/self/setgroups", "deny"));
  TM_RETURN_IF_ERROR(WriteText("/proc/self/uid_map", uid));
  return WriteText("/proc/self/gid_map", gid);
}

absl::Status Enter() {
  const bool threads = HasOtherThreads();
  if (::geteuid() == 0 && threads) return absl::OkStatus();
  if (::geteuid() != 0 || ::unshare(CLONE_NEWNS) != 0) {
    if (threads) {
      return absl::UnimplementedError(
          "no small volume: not root, and a process with threads cannot enter a user namespace");
    }
    TM_RETURN_IF_ERROR(EnterUserNamespace());
  }
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return base::ErrnoStatus(errno, "make mounts private");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status EnterPrivateMounts() {
  static const absl::Status entered = Enter();
  return entered;
}

}  // namespace tidemark::support
