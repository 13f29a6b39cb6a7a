#include "tests/support/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace tidemark::support {
namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;

// Our end does not block; the child's end does.
struct Pipe {
  int ours = -1;
  int theirs = -1;

  explicit Pipe(bool child_reads) {
    int ends[2] = {-1, -1};
    TM_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
    ours = child_reads ? ends[1] : ends[0];
    theirs = child_reads ? ends[0] : ends[1];
    TM_CHECK(::fcntl(ours, F_SETFL, O_NONBLOCK) == 0);
  }
  ~Pipe() {
    CloseOurs();
    CloseTheirs();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void CloseOurs() { Close(ours); }
  void CloseTheirs() { Close(theirs); }
  static void Close(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};

void ReadSome(Pipe& pipe, std::string& text) {
  std::array<char, kChunkBytes> chunk;
  const ssize_t got = ::read(pipe.ours, chunk.data(), chunk.size());
  if (got > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(got));
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    pipe.CloseOurs();
  }
}

void WriteSome(Pipe& pipe, std::string_view& rest) {
  const ssize_t put = ::write(pipe.ours, rest.data(), rest.size());
  if (put > 0) rest.remove_prefix(static_cast<std::size_t>(put));
  const bool refused = put < 0 && errno != EAGAIN && errno != EINTR;
  if (rest.empty() || refused) pipe.CloseOurs();
}

// Until both outputs are closed; false at the deadline.
bool Converse(Pipe& input, Pipe& output, Pipe& errors, std::string_view to_write,
              std::chrono::steady_clock::time_point end, CommandResult& result) {
  if (to_write.empty()) input.CloseOurs();
  while (output.ours >= 0 || errors.ours >= 0) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 3> entries = {{{.fd = input.ours, .events = POLLOUT, .revents = 0},
                                      {.fd = output.ours, .events = POLLIN, .revents = 0},
                                      {.fd = errors.ours, .events = POLLIN, .revents = 0}}};
    if (::poll(entries.data(), entries.size(), static_cast<int>(left.count())) < 0) continue;
    if (entries[0].revents != 0) WriteSome(input, to_write);
    if (entries[1].revents != 0) ReadSome(output, result.output);
    if (entries[2].revents != 0) ReadSome(errors, result.errors);
  }
  return true;
}

}  // namespace

std::string CommandResult::ToString() const {
  return absl::StrFormat("%s\nstdout: %s\nstderr: %s", exit.ToString(), output, errors);
}

absl::StatusOr<CommandResult> RunCommand(const std::vector<std::string>& words,
                                         const CommandOptions& options) {
  TM_CHECK(!words.empty());
  const auto end = std::chrono::steady_clock::now() + options.deadline;
  Pipe input(true);
  Pipe output(false);
  Pipe errors(false);
  ChildOptions child_options{.program = words[0],
                             .arguments = {words.begin() + 1, words.end()},
                             .environment = options.environment,
                             .as_daemon_user = options.as_daemon_user,
                             .input_fd = input.theirs,
                             .output_fd = output.theirs,
                             .error_fd = errors.theirs};
  ::signal(SIGPIPE, SIG_IGN);  // a command may end without reading all its input
  TM_ASSIGN_OR_RETURN(const auto child, ChildProcess::Start(child_options));
  input.CloseTheirs();
  output.CloseTheirs();
  errors.CloseTheirs();

  CommandResult result;
  const bool finished = Converse(input, output, errors, options.input, end, result);
  const auto exit = finished ? child->Wait(end - std::chrono::steady_clock::now()) : std::nullopt;
  if (!exit.has_value()) {
    return absl::DeadlineExceededError(
        absl::StrFormat("'%s' did not end in %d ms\nstdout: %s\nstderr: %s", words[0],
                        std::chrono::ceil<std::chrono::milliseconds>(options.deadline).count(),
                        result.output, result.errors));
  }
  result.exit = *exit;
  return result;
}

std::string Program(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (const char* place = std::getenv("TIDEMARK_PROGRAMS"); place != nullptr) {
    if (const fs::path path = fs::path(place) / name; fs::exists(path, error)) return path;
  }
  // The build tree is where CMakeCache.txt is, somewhere above the test's own binary.
  for (fs::path tree = fs::read_symlink("/proc/self/exe", error); tree.has_relative_path();
       tree = tree.parent_path()) {
    if (!fs::exists(tree / "CMakeCache.txt", error)) continue;
    for (const char* folder : {"spu", "sc", "cli"}) {
      if (const fs::path path = tree / folder / name; fs::is_regular_file(path, error)) return path;
    }
  }
  std::fprintf(stderr, "program '%s' is not in the build tree of this test\n", name.c_str());
  std::abort();
}

}  // namespace tidemark::support
