#include "tests/support/daemon_process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <iterator>
#include <regex>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "gtest/gtest.h"

namespace tidemark::support {
namespace {

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

absl::StatusOr<int> CreateOutput(const std::string& path) {
  constexpr mode_t kReadableForAll = 0644;
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, kReadableForAll);
  if (fd < 0) return base::ErrnoStatus(errno, absl::StrFormat("create '%s'", path));
  return fd;
}

std::string LastLines(const std::string& text, std::size_t lines) {
  std::size_t start = text.size();
  for (std::size_t seen = 0; start > 0; --start) {
    if (text[start - 1] == '\n' && start != text.size() && ++seen == lines) break;
  }
  return text.substr(start);
}

}  // namespace

std::optional<DaemonProcess::Ports> ParsePorts(std::string_view text) {
  static const std::regex kObject(R"(\s*\{\s*("\w+"\s*:\s*\d{1,5}\s*(,\s*(?!\}))?)*\}\s*)");
  static const std::regex kEntry(R"RE("(\w+)"\s*:\s*(\d+))RE");
  const std::string copy(text);
  if (!std::regex_match(copy, kObject)) return std::nullopt;
  DaemonProcess::Ports ports;
  for (std::sregex_iterator entry(copy.begin(), copy.end(), kEntry), end; entry != end; ++entry) {
    const int port = std::stoi((*entry)[2]);
    if (port > UINT16_MAX) return std::nullopt;
    ports[(*entry)[1]] = static_cast<std::uint16_t>(port);
  }
  return ports;
}

DaemonProcess::~DaemonProcess() {
  if (starts_ == 0 || !testing::Test::HasFailure()) return;
  const bool ran = running();
  std::cerr << "---- end of the log of " << options_.name << " (start " << starts_ << ", "
            << (ran ? "running" : "ended") << ")\n"
            << LogTail(100) << "----\n";
}

absl::Status DaemonProcess::Start() {
  if (running()) {
    return absl::FailedPreconditionError(
        absl::StrFormat("'%s' runs already as process %d", options_.name, pid()));
  }
  TM_RETURN_IF_ERROR(GiveToDaemons(options_.directory));
  ++starts_;
  TM_ASSIGN_OR_RETURN(const int output_fd, CreateOutput(FileOf("out")));
  auto error_fd = CreateOutput(FileOf("log"));
  if (!error_fd.ok()) {
    ::close(output_fd);
    return error_fd.status();
  }
  ChildOptions child_options{.program = options_.program,
                             .arguments = options_.arguments,
                             .environment = options_.environment,
                             .as_daemon_user = true,
                             .input_fd = -1,
                             .output_fd = output_fd,
                             .error_fd = *error_fd};
  child_options.arguments.insert(child_options.arguments.end(), {"--ports-file", FileOf("ports")});
  auto child = ChildProcess::Start(child_options);
  ::close(output_fd);
  ::close(*error_fd);
  if (!child.ok()) return child.status();
  child_ = *std::move(child);
  return absl::OkStatus();
}

absl::StatusOr<DaemonProcess::Ports> DaemonProcess::WaitForPorts(
    std::chrono::nanoseconds deadline) {
  std::optional<Ports> ports;
  bool ended = false;
  const auto found = WaitFor(
      [&] {
        ended = !running();  // before the look: it may write and end
        ports = ParsePorts(ReadWhole(FileOf("ports")));
        return ports.has_value() || ended;
      },
      deadline, absl::StrFormat("the ports of '%s'", options_.name));
  if (ports.has_value()) return *std::move(ports);
  if (!found) return WithLog(absl::DeadlineExceededError(found.message()));
  if (child_ == nullptr) return absl::FailedPreconditionError("not started");
  return WithLog(absl::UnavailableError(
      absl::StrFormat("'%s' ended before it had ports: %s", options_.name,
                      child_->Wait(std::chrono::nanoseconds(0))->ToString())));
}

absl::StatusOr<ExitStatus> DaemonProcess::WaitForExit(std::chrono::nanoseconds deadline) {
  if (child_ == nullptr) return absl::FailedPreconditionError("not started");
  if (const auto exit = child_->Wait(deadline); exit.has_value()) return *exit;
  return WithLog(absl::DeadlineExceededError(
      absl::StrFormat("'%s' (process %d) did not end", options_.name, pid())));
}

bool DaemonProcess::running() {
  return child_ != nullptr && !child_->Wait(std::chrono::nanoseconds(0)).has_value();
}

pid_t DaemonProcess::pid() const { return child_ == nullptr ? -1 : child_->pid(); }

void DaemonProcess::Kill9() {
  if (child_ == nullptr) return;
  child_->Signal(SIGKILL);
  child_->Wait(kLongWait);
}

void DaemonProcess::Terminate() {
  if (child_ != nullptr) child_->Signal(SIGTERM);
}

void DaemonProcess::Hangup() {
  if (child_ != nullptr) child_->Signal(SIGHUP);
}

void DaemonProcess::Stop() {
  if (child_ != nullptr) child_->Signal(SIGSTOP);
}

void DaemonProcess::Continue() {
  if (child_ != nullptr) child_->Signal(SIGCONT);
}

std::string DaemonProcess::Log() const { return ReadWhole(FileOf("log")); }

std::string DaemonProcess::Output() const { return ReadWhole(FileOf("out")); }

std::string DaemonProcess::LogTail(std::size_t lines) const { return LastLines(Log(), lines); }

std::string DaemonProcess::FileOf(const std::string& kind) const {
  return absl::StrFormat("%s/%s.%d.%s", options_.directory, options_.name, starts_, kind);
}

absl::Status DaemonProcess::WithLog(absl::Status status) const {
  return {status.code(), absl::StrFormat("%s\n%s", status.message(), LogTail())};
}

}  // namespace tidemark::support
