#include "tests/support/child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/errno_status.h"

namespace tidemark::support {
namespace {

// All that the child needs, made before fork(): after it only async-signal-safe calls are allowed.
struct Plan {
  int program_fd = -1;
  int input_fd = -1;
  int output_fd = -1;
  int error_fd = -1;
  int failure_fd = -1;
  bool drop = false;
  pid_t parent = 0;
  std::vector<char*> arguments;
  std::vector<char*> environment;
};

bool DropPrivileges() {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
         ::setresuid(kNobody, kNobody, kNobody) == 0;
}

bool Prepare(const Plan& plan) {
  if (::setpgid(0, 0) != 0) return false;
  if (plan.drop && !DropPrivileges()) return false;
  // After the change of user, which would clear it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  if (::getppid() != plan.parent) ::_exit(1);  // the parent was faster
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  return ::dup2(plan.input_fd, STDIN_FILENO) >= 0 && ::dup2(plan.output_fd, STDOUT_FILENO) >= 0 &&
         ::dup2(plan.error_fd, STDERR_FILENO) >= 0;
}

[[noreturn]] void RunChild(const Plan& plan) {
  if (Prepare(plan)) {
    // By descriptor, not by path: see the header. A script's interpreter opens the descriptor
    // again, which must therefore survive.
    char magic[2] = {};
    if (::pread(plan.program_fd, magic, sizeof(magic), 0) == sizeof(magic) && magic[0] == '#') {
      ::fcntl(plan.program_fd, F_SETFD, 0);
    }
    ::fexecve(plan.program_fd, plan.arguments.data(), plan.environment.data());
  }
  const int error_number = errno;
  [[maybe_unused]] const ssize_t told =
      ::write(plan.failure_fd, &error_number, sizeof(error_number));
  ::_exit(127);
}

std::vector<std::string> MergedEnvironment(const std::vector<std::string>& more) {
  std::vector<std::string> merged;
  const auto name = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  for (char** entry = environ; *entry != nullptr; ++entry) {
    // A setting of whoever runs the tests would silently outrank the child's own configuration.
    if (std::string_view(*entry).starts_with("TIDEMARK_")) continue;
    const bool replaced = std::any_of(more.begin(), more.end(), [&](const std::string& other) {
      return name(other) == name(*entry);
    });
    if (!replaced) merged.emplace_back(*entry);
  }
  merged.insert(merged.end(), more.begin(), more.end());
  return merged;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

absl::Status GiveToDaemons(const std::string& path) {
  if (::geteuid() != 0) return absl::OkStatus();
  if (::chown(path.c_str(), kNobody, kNobody) == 0) return absl::OkStatus();
  return base::ErrnoStatus(errno, absl::StrFormat("chown '%s' to %d", path, kNobody));
}

std::string ExitStatus::ToString() const {
  if (signal != 0) return absl::StrFormat("signal %d (%s)", signal, ::strsignal(signal));
  return absl::StrFormat("exit code %d", code);
}

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const ChildOptions& options) {
  const std::string what = absl::StrFormat("start '%s'", options.program);
  Plan plan;
  plan.program_fd = ::open(options.program.c_str(), O_RDONLY | O_CLOEXEC);
  if (plan.program_fd < 0) return base::ErrnoStatus(errno, what);
  const int null_fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  int failure[2] = {-1, -1};
  TM_CHECK(null_fd >= 0 && ::pipe2(failure, O_CLOEXEC) == 0);
  const auto or_null = [null_fd](int fd) { return fd >= 0 ? fd : null_fd; };
  plan.input_fd = or_null(options.input_fd);
  plan.output_fd = or_null(options.output_fd);
  plan.error_fd = or_null(options.error_fd);
  plan.failure_fd = failure[1];
  plan.drop = options.as_daemon_user && ::geteuid() == 0;
  plan.parent = ::getpid();
  std::vector<std::string> words = {options.program};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment = MergedEnvironment(options.environment);
  plan.arguments = Pointers(words);
  plan.environment = Pointers(environment);

  const pid_t pid = ::fork();
  if (pid == 0) RunChild(plan);
  const int fork_error = errno;
  ::close(plan.program_fd);
  ::close(null_fd);
  ::close(failure[1]);
  int error_number = pid < 0 ? fork_error : 0;
  if (pid > 0) {
    // Ends with exec (close-on-exec) or with the child's report.
    while (::read(failure[0], &error_number, sizeof(error_number)) < 0 && errno == EINTR) {
    }
  }
  ::close(failure[0]);
  if (error_number != 0) {
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    return base::ErrnoStatus(error_number, what);
  }
  const int pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  TM_CHECK(pid_fd >= 0);
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, pid_fd));
}

ChildProcess::~ChildProcess() {
  if (!ended_.has_value()) {
    Signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(pid_fd_);
}

void ChildProcess::Signal(int signal) {
  // The group exists until we have reaped its leader, so that no stranger can have its number.
  if (!ended_.has_value()) ::kill(-pid_, signal);
}

std::optional<ExitStatus> ChildProcess::Wait(std::chrono::nanoseconds deadline) {
  if (ended_.has_value()) return ended_;
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::max(end - std::chrono::steady_clock::now(), std::chrono::nanoseconds(0)));
    pollfd entry{.fd = pid_fd_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(left.count()));
    if (ready > 0) break;
    if (ready == 0) return std::nullopt;
    TM_CHECK(errno == EINTR);
  }
  int status = 0;
  TM_CHECK(::waitpid(pid_, &status, 0) == pid_);
  ended_ = WIFSIGNALED(status) ? ExitStatus{.signal = WTERMSIG(status)}
                               : ExitStatus{.code = WEXITSTATUS(status)};
  return ended_;
}

}  // namespace tidemark::support
