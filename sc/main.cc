// tidemark-sc: the controller daemon.
//
// Exit codes: 0 stopped, 2 usage, 69 the store or a port cannot be had now, 78 configuration.
#include <cstdio>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "base/clock.h"
#include "daemon/command_line.h"
#include "daemon/log.h"
#include "daemon/loop/drain_signals.h"
#include "daemon/loop/event_loop.h"
#include "daemon/ports_file.h"
#include "daemon/process_setup.h"
#include "daemon/stderr_log_sink.h"
#include "sc/config.h"
#include "sc/sc_process.h"

namespace {

using tidemark::daemon::CommandLine;
using tidemark::daemon::ExitCode;
using tidemark::daemon::LogLevel;
using tidemark::sc::ScOptions;
using tidemark::sc::ScProcess;

int Failed(const absl::Status& status) {
  // Trying again does not mend these.
  const bool configuration =
      absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) ||
      absl::IsPermissionDenied(status) || absl::IsNotFound(status) || absl::IsDataLoss(status);
  tidemark::daemon::Log(LogLevel::kError, "sc.cannot_start", {{"why", status.message()}});
  return configuration ? tidemark::daemon::kExitConfiguration : tidemark::daemon::kExitUnavailable;
}

int Serve(const ScOptions& options, const CommandLine& command_line) {
  const tidemark::base::SystemClock clock;
  tidemark::daemon::EventLoop loop;
  auto process = ScProcess::Start(loop, clock, options);
  if (!process.ok()) return Failed(process.status());
  if (command_line.ports_file.has_value()) {
    const absl::Status written = tidemark::daemon::WritePortsFile(
        *command_line.ports_file,
        {{"grpc", (*process)->grpc_endpoint().port}, {"http", (*process)->http_endpoint().port}});
    if (!written.ok()) return Failed(written);
  }
  {
    const tidemark::daemon::DrainSignals signals(
        loop, [&] { (*process)->Stop([&loop] { loop.Stop(); }); });
    loop.Run();
  }
  process->reset();
  tidemark::daemon::Log(LogLevel::kInfo, "sc.stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  tidemark::daemon::SetUpProcess();
  ScOptions options;
  const auto configured = tidemark::daemon::Configure(
      {"tidemark-sc", "The Tidemark controller: assigns partitions and keeps their status.",
       TIDEMARK_VERSION},
      tidemark::sc::BindOptions(options), argc, argv);
  if (const auto* exit_code = std::get_if<ExitCode>(&configured)) return exit_code->value;

  const auto sink =
      std::make_shared<tidemark::daemon::StderrLogSink>(tidemark::daemon::StderrLogSink::Options{
          .format = options.daemon.log_format, .lowest = options.daemon.log_level});
  tidemark::daemon::InstallLogSink(sink);
  absl::Status checked = tidemark::sc::CheckOptions(options);
  if (checked.ok()) checked = tidemark::daemon::RefuseRoot(options.allow_root);
  const int exit_code =
      checked.ok() ? Serve(options, std::get<CommandLine>(configured)) : Failed(checked);
  tidemark::daemon::InstallLogSink(nullptr);
  return exit_code;
}
