// tidemark-disks: the matrix of full disks, as long as wanted.
//
//   tidemark-disks [--cycles N] [--reconnects N] [--each N] [--for DURATION] [--case NAME]...
//                  [--seed N] [--jobs N] [--json]
//
// --cycles       of each case (5); without a limit if only --for is given
// --reconnects   while full, over all cases together, at least
// --each         while full, in each cycle, at least
// --for          shared out among the cases: no cycle begins after its case's share
//
// Progress goes to standard error; with --json the last line on standard output is one object.
// Exit codes: 0 every promise held, 1 one did not, 2 usage, 3 void: a planned fault did not fire or
// a case ran no cycle, 75 this machine can run no case at all.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "daemon/process_setup.h"
#include "tests/integration/disks/case_run.h"
#include "tests/integration/disks/disks_report.h"
#include "tests/integration/story/guardian.h"

namespace tidemark::disks {
namespace {

constexpr int kUsage = 2;
constexpr int kDefaultCycles = 5;
constexpr int kWithoutLimit = 1'000'000;

struct Options {
  std::vector<const DiskCase*> cases;
  std::optional<int> cycles;
  int reconnects = 0;
  int reconnects_each = 0;
  std::optional<base::Duration> duration;
  std::uint64_t seed = std::random_device{}();
  int jobs = 2;
  bool json = false;
};

template <typename Number>
bool ParseNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool Take(std::string_view word, const std::string& value, Options& options) {
  if (word == "--cycles") return ParseNumber(value, options.cycles.emplace());
  if (word == "--reconnects") return ParseNumber(value, options.reconnects);
  if (word == "--each") return ParseNumber(value, options.reconnects_each);
  if (word == "--seed") return ParseNumber(value, options.seed);
  if (word == "--jobs") return ParseNumber(value, options.jobs) && options.jobs > 0;
  if (word == "--case") {
    options.cases.push_back(FindCase(value));
    return options.cases.back() != nullptr;
  }
  if (word != "--for") return false;
  const auto duration = base::ParseDuration(value);
  if (duration.ok()) options.duration = *duration;
  return duration.ok();
}

bool Parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      options.json = true;
    } else if (i + 1 >= argc || !Take(word, argv[i + 1], options)) {
      return false;
    } else {
      ++i;
    }
  }
  if (options.cases.empty()) {
    for (const DiskCase& disk_case : AllCases()) options.cases.push_back(&disk_case);
  }
  return true;
}

void PrintUsage() {
  std::cerr << "usage: tidemark-disks [--cycles N] [--reconnects N] [--each N] [--for DURATION]\n"
               "                      [--seed N] [--jobs N] [--json] [--case NAME]...\ncases:";
  for (const DiskCase& disk_case : AllCases()) std::cerr << ' ' << disk_case.name;
  std::cerr << '\n';
}

// One case in a process of its own: what it found goes into the pipe.
struct Running {
  pid_t pid = -1;
  int fd = -1;
  const DiskCase* disk_case = nullptr;
  std::string said;
};

std::string RunHere(const DiskCase& disk_case, const CaseOptions& options) {
  daemon::SetUpProcess();
  umask(022);  // what daemons read is made here
  setenv("GRPC_VERBOSITY", "NONE", 0);
  Tally tally;
  const absl::Status status = RunCase(disk_case, options, tally);
  if (status.ok()) return tally.Serialize();
  return absl::StrFormat("skipped %s\n", status.message());
}

void SayWhole(int fd, const std::string& text) {
  for (std::size_t said = 0; said < text.size();) {
    const ssize_t wrote = ::write(fd, text.data() + said, text.size() - said);
    if (wrote <= 0) return;
    said += static_cast<std::size_t>(wrote);
  }
}

Running Start(const DiskCase& disk_case, CaseOptions options, std::optional<base::Duration> share) {
  if (share) options.until = base::SystemClock().Now() + *share;
  Running running;
  running.disk_case = &disk_case;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return running;
  std::fflush(nullptr);
  running.pid = fork();
  if (running.pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    SayWhole(ends[1], RunHere(disk_case, options));
    _exit(0);
  }
  close(ends[1]);
  running.fd = ends[0];
  return running;
}

// False when it has ended and said everything.
bool Listen(Running& running) {
  char text[4096];
  const ssize_t got = ::read(running.fd, text, sizeof text);
  if (got < 0 && errno == EINTR) return true;
  if (got > 0) {
    running.said.append(text, static_cast<std::size_t>(got));
    return true;
  }
  close(running.fd);
  int status = 0;
  while (waitpid(running.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) {
    running.said += absl::StrFormat("violation %s: its process ended with status %d\n",
                                    std::string(running.disk_case->name), status);
  }
  return false;
}

CaseOptions OptionsOf(const Options& options) {
  CaseOptions each;
  const bool only_time = options.duration.has_value() && !options.cycles.has_value();
  each.cycles = options.cycles.value_or(only_time ? kWithoutLimit : kDefaultCycles);
  const auto cases = static_cast<int>(options.cases.size());
  if (!only_time) each.reconnects = (options.reconnects + cases - 1) / cases;
  each.reconnects_each = options.reconnects_each;
  each.seed = options.seed;
  each.progress = [](std::string_view line) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  return each;
}

// Cases run one after the other, as many at once as there are jobs.
std::optional<base::Duration> ShareOfEach(const Options& options) {
  if (!options.duration) return std::nullopt;
  const auto cases = static_cast<int>(options.cases.size());
  return *options.duration / ((cases + options.jobs - 1) / options.jobs);
}

int Run(const Options& options) {
  DisksReport report(options.seed);
  const CaseOptions each = OptionsOf(options);
  std::fprintf(stderr, "seed %llu\n", static_cast<unsigned long long>(options.seed));
  std::vector<const DiskCase*> waiting(options.cases.rbegin(), options.cases.rend());
  std::vector<Running> running;
  while (!waiting.empty() || !running.empty()) {
    while (!waiting.empty() && std::cmp_less(running.size(), options.jobs)) {
      running.push_back(Start(*waiting.back(), each, ShareOfEach(options)));
      waiting.pop_back();
    }
    std::vector<pollfd> fds;
    for (const Running& one : running) fds.push_back({one.fd, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    for (std::size_t i = fds.size(); i-- > 0;) {
      if (fds[i].revents == 0 || Listen(running[i])) continue;
      report.Take(running[i].disk_case->name, running[i].said);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  // With --for it ends when the time is over, whatever was planned.
  if (!options.duration) report.WantReconnects(options.reconnects);
  report.Print(std::cerr);
  if (options.json) std::cout << report.Json() << std::endl;
  return report.exit_code();
}

int Main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, options)) {
    PrintUsage();
    return kUsage;
  }
  return story::RunGuarded(false,
                           [&options](const std::function<void(int)>&) { return Run(options); });
}

}  // namespace
}  // namespace tidemark::disks

int main(int argc, char** argv) { return tidemark::disks::Main(argc, argv); }
