// One child process: started without a shell, as nobody when we are root, dead when we die.
//
// Daemons under test never run as root: root may use a filesystem's reserved blocks and ignores
// permissions. The program is opened before privileges are dropped, so that it may lie in a
// checkout that nobody cannot traverse (it must be readable for all itself: umask 022).
//
// Lifetime:  kills the child's process group and reaps it when destroyed.
// Threading: confined. The child dies with the thread that started it.
// Errors:    Start() → the errno of the step that failed in the child, exec included.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tidemark::support {

// uid and gid of every daemon that root starts.
inline constexpr unsigned kNobody = 65534;

// Makes `path` belong to the user daemons run as. Does nothing unless we are root.
absl::Status GiveToDaemons(const std::string& path);

struct ExitStatus {
  int code = 0;    // meaningful if signal is 0
  int signal = 0;  // the one that ended it

  bool clean() const { return code == 0 && signal == 0; }
  std::string ToString() const;  // "exit code 3", "signal 9 (Killed)"
  bool operator==(const ExitStatus&) const = default;
};

struct ChildOptions {
  std::string program;                   // a path
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // "NAME=value", beside our own without any TIDEMARK_*
  bool as_daemon_user = false;           // drop to kNobody if we are root
  int input_fd = -1;                     // -1: /dev/null
  int output_fd = -1;
  int error_fd = -1;
};

class ChildProcess {
 public:
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const ChildOptions& options);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Readable once the child has ended; for poll(2).
  int pid_fd() const { return pid_fd_; }
  // To the child's process group. Nothing if it has ended.
  void Signal(int signal);
  // nullopt if it runs on past the deadline.
  std::optional<ExitStatus> Wait(std::chrono::nanoseconds deadline);

 private:
  ChildProcess(pid_t pid, int pid_fd) : pid_(pid), pid_fd_(pid_fd) {}

  pid_t pid_;
  int pid_fd_;
  std::optional<ExitStatus> ended_;
};

}  // namespace tidemark::support
