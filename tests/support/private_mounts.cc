#include "tests/support/private_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace tidemark::support {
namespace {

absl::Status WriteText(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
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

// Every id there is here, as itself.
std::string SameIds(const char* map) {
  std::ifstream lines(map);
  std::string same;
  for (std::uint64_t inside, outside, count; lines >> inside >> outside >> count;) {
    absl::StrAppendFormat(&same, "%d %d %d\n", inside, inside, count);
  }
  return same;
}

// Waits in the old namespace until `go` says that the process has left it; then lets it keep its
// ids. Exit status: 0 or an errno.
[[noreturn]] void MapIdsFromOutside(int go, pid_t process, const std::string& uids,
                                    const std::string& gids) {
  char gone = 0;
  if (::read(go, &gone, 1) != 1) ::_exit(0);
  const std::string directory = absl::StrFormat("/proc/%d/", process);
  absl::Status mapped = WriteText(directory + "gid_map", gids);
  if (mapped.ok()) mapped = WriteText(directory + "uid_map", uids);
  ::_exit(mapped.ok() ? 0 : base::ErrnoOf(mapped).value_or(EPERM));
}

// Root that may not mount, as in a container: root of a user namespace may. All ids are mapped,
// because files and daemons are given to another user; a process itself could map only its own.
absl::Status EnterUserNamespaceAsRoot() {
  const std::string uids = SameIds("/proc/self/uid_map");
  const std::string gids = SameIds("/proc/self/gid_map");
  int go[2];
  if (::pipe2(go, O_CLOEXEC) != 0) return base::ErrnoStatus(errno, "pipe");
  const pid_t self = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(go[1]);
    MapIdsFromOutside(go[0], self, uids, gids);
  }
  ::close(go[0]);
  int error_number = child < 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 ? errno : 0;
  if (error_number == 0 && ::write(go[1], "g", 1) != 1) error_number = errno;
  ::close(go[1]);
  int mapped = 0;
  if (child > 0) ::waitpid(child, &mapped, 0);
  if (error_number != 0) {
    return absl::UnimplementedError(
        absl::StrFormat("no small volume: root without CAP_SYS_ADMIN, and no user namespace (%s)",
                        base::ErrnoName(error_number)));
  }
  if (mapped == 0) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrFormat(
      "no small volume: root without CAP_SYS_ADMIN may enter a user namespace, but not map the "
      "users it needs (%s): CAP_SETUID, CAP_SETGID and CAP_SETFCAP are wanted",
      WIFEXITED(mapped) ? base::ErrnoName(WEXITSTATUS(mapped)) : "killed"));
}

absl::Status Enter() {
  const bool threads = HasOtherThreads();
  if (::geteuid() == 0 && threads) return absl::OkStatus();
  if (::geteuid() != 0) {
    if (threads) {
      return absl::UnimplementedError(
          "no small volume: not root, and a process with threads cannot enter a user namespace");
    }
    TM_RETURN_IF_ERROR(EnterUserNamespace());
  } else if (::unshare(CLONE_NEWNS) != 0) {
    TM_RETURN_IF_ERROR(EnterUserNamespaceAsRoot());
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
