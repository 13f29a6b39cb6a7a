// A real daemon, started, watched, killed and started again by a test.
//
//   DaemonProcess spu({.name = "spu", .program = Program("tidemark-spu"),
//                      .arguments = {"--config", config}, .directory = home.path()});
//   ASSERT_OK(spu.Start());
//   ASSERT_OK_AND_ASSIGN(const auto ports, spu.WaitForPorts());   // {"grpc": 40123, …}
//   spu.Kill9();
//   ASSERT_OK(spu.Start());                                       // again, other ports
//
// Runs as nobody when the test is root. `--ports-file FILE` is appended to the arguments. What it
// prints goes to files in `directory`; when the test has failed, their ends are printed.
//
// Lifetime:  killed when destroyed.
// Threading: confined to one thread.
// Errors:    every failure carries the end of the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/support/await.h"
#include "tests/support/child_process.h"

namespace tidemark::support {

struct DaemonOptions {
  std::string name;  // in file names and messages: "spu", "sc"
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string directory;  // exists; given to the daemons' user
};

class DaemonProcess {
 public:
  using Ports = std::map<std::string, std::uint16_t>;

  explicit DaemonProcess(DaemonOptions options) : options_(std::move(options)) {}
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  // For the next start.
  DaemonOptions& options() { return options_; }

  // kFailedPrecondition while it runs.
  absl::Status Start();
  // What the daemon wrote into its ports file. At once an error if the daemon ends first.
  absl::StatusOr<Ports> WaitForPorts(std::chrono::nanoseconds deadline = kLongWait);
  // kDeadlineExceeded if it runs on.
  absl::StatusOr<ExitStatus> WaitForExit(std::chrono::nanoseconds deadline = kLongWait);

  bool running();
  pid_t pid() const;  // -1 before the first start
  int starts() const { return starts_; }

  void Kill9();      // and waits until it is dead
  void Terminate();  // SIGTERM; then WaitForExit()
  void Hangup();     // SIGHUP
  void Stop();       // SIGSTOP: alive, connected, silent
  void Continue();   // SIGCONT

  // Of the newest start; standard error is where daemons log.
  std::string Log() const;
  std::string Output() const;
  std::string LogTail(std::size_t lines = 40) const;

 private:
  std::string FileOf(const std::string& kind) const;  // <directory>/<name>.<start>.<kind>
  absl::Status WithLog(absl::Status status) const;

  DaemonOptions options_;
  std::unique_ptr<ChildProcess> child_;
  int starts_ = 0;
};

// {"grpc":7201,"http":7202} → map. Accepts white space; nullopt while the text is no such object.
std::optional<DaemonProcess::Ports> ParsePorts(std::string_view text);

}  // namespace tidemark::support
