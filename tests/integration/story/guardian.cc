#include "tests/integration/story/guardian.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace tidemark::story {
namespace {

constexpr std::array kEnding = {SIGINT, SIGTERM, SIGHUP};
volatile sig_atomic_t child_to_end = 0;

void EndChild(int) {
  if (child_to_end > 0) kill(static_cast<pid_t>(child_to_end), SIGTERM);
}

void LetGoOfStreams() {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  close(null);
}

// Lets the caller go with `exit_code`, and the terminal or pipe it reads from too.
void LetCallerGo(int pipe_fd, int exit_code) {
  const auto byte = static_cast<unsigned char>(exit_code);
  const bool told = write(pipe_fd, &byte, 1) == 1;
  close(pipe_fd);
  std::fflush(nullptr);
  LetGoOfStreams();
  if (!told) _exit(exit_code);
}

int WaitForChild(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Nothing can be done about kill -9 by whom it hits: a process in a session of its own removes the
// directory when nobody is left. Everybody who may use it, daemons too, inherits the pipe's end.
void StandBehind(const std::string& directory, int caller_pipe_fd) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return;
  std::fflush(nullptr);
  if (fork() != 0) {
    close(ends[0]);  // the other end stays open until we are gone
    return;
  }
  setsid();
  close(ends[1]);
  if (caller_pipe_fd >= 0) close(caller_pipe_fd);
  LetGoOfStreams();
  char byte = 0;
  while (read(ends[0], &byte, 1) != 0) {
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  _exit(0);
}

// The guardian itself. `pipe_fd` -1: nobody waits for a byte.
int Guard(int pipe_fd, const Play& play) {
  std::string directory = (std::filesystem::temp_directory_path() / "tidemark-story-XXXXXX");
  if (mkdtemp(directory.data()) == nullptr) {
    std::perror("mkdtemp");
    return 75;
  }
  chmod(directory.c_str(), 0711);  // daemons run as nobody and must get through
  StandBehind(directory, pipe_fd);
  setenv("TMPDIR", directory.c_str(), 1);
  std::fflush(nullptr);
  const pid_t guardian = getpid();
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != guardian) _exit(1);  // it was killed before we could ask for that
    _exit([&] {
      const int code = play([&](int exit_code) {
        if (pipe_fd >= 0) LetCallerGo(pipe_fd, exit_code);
      });
      std::fflush(nullptr);
      return code;
    }());
  }
  child_to_end = static_cast<sig_atomic_t>(child);
  struct sigaction end {};
  end.sa_handler = EndChild;
  for (const int signal : kEnding) sigaction(signal, &end, nullptr);
  if (pipe_fd >= 0) {
    // The child's copy is the one that speaks; ours would hold the caller's streams open.
    LetGoOfStreams();
    close(pipe_fd);
  }
  const int code = child > 0 ? WaitForChild(child) : 75;
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return code;
}

}  // namespace

void WaitToBeEnded() {
  sigset_t ending;
  sigemptyset(&ending);
  for (const int signal : kEnding) sigaddset(&ending, signal);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  int signal = 0;
  sigwait(&ending, &signal);
}

int RunGuarded(bool stay, const Play& play) {
  if (!stay) return Guard(-1, play);
  std::array<int, 2> pipe_fds{};
  if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) return 75;
  std::fflush(nullptr);
  const pid_t guardian = fork();
  if (guardian == 0) {
    setsid();
    close(pipe_fds[0]);
    _exit(Guard(pipe_fds[1], play));
  }
  close(pipe_fds[1]);
  child_to_end = static_cast<sig_atomic_t>(guardian);
  struct sigaction end {};
  end.sa_handler = EndChild;
  for (const int signal : kEnding) sigaction(signal, &end, nullptr);
  unsigned char code = 75;
  ssize_t got = 0;
  while ((got = read(pipe_fds[0], &code, 1)) < 0 && errno == EINTR) {
  }
  // No byte: the story ended without staying; its own exit code counts.
  return got == 1 ? code : WaitForChild(guardian);
}

}  // namespace tidemark::story
