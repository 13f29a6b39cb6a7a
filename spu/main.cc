// tidemark-spu: the agent.
//
// Exit codes: 0 stopped, 2 usage, 69 a port, the state directory or the only volume cannot be had
// now (another process has it), 78 configuration (marks that do not fit, no volume, superseded by
// another SPU of the same identity).
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "daemon/command_line.h"
#include "daemon/log.h"
#include "daemon/loop/drain_signals.h"
#include "daemon/ports_file.h"
#include "daemon/process_setup.h"
#include "daemon/stderr_log_sink.h"
#include "spu/config.h"
#include "spu/format_command.h"
#include "spu/spu_process.h"
#include "storage/fs/posix_file_system.h"

namespace {

using tidemark::daemon::CommandLine;
using tidemark::daemon::ExitCode;
using tidemark::daemon::LogLevel;
using tidemark::spu::SpuOptions;
using tidemark::spu::SpuProcess;

int Failed(const absl::Status& status) {
  // Trying again does not mend what an operator has to change.
  const bool transient = absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
  tidemark::daemon::Log(LogLevel::kError, "spu.cannot_start", {{"why", status.message()}});
  return transient ? tidemark::daemon::kExitUnavailable : tidemark::daemon::kExitConfiguration;
}

int Serve(const SpuOptions& options, const CommandLine& command_line) {
  // For ever: a system call that hangs in the kernel may come back to them after everyone has gone.
  static const tidemark::base::SystemClock clock;
  static tidemark::storage::PosixFileSystem file_system;
  tidemark::daemon::EventLoop loop;
  int exit_code = 0;
  bool stopping = false;
  std::unique_ptr<SpuProcess> process;
  const auto stop = [&](int code) {
    if (exit_code == 0) exit_code = code;
    if (process == nullptr || std::exchange(stopping, true)) return;
    process->Stop([&loop] { loop.Stop(); });
  };
  auto started = SpuProcess::Start(loop, clock, file_system, options, stop);
  if (!started.ok()) return Failed(started.status());
  process = *std::move(started);
  if (exit_code != 0) return exit_code;
  if (command_line.ports_file.has_value()) {
    const absl::Status written = tidemark::daemon::WritePortsFile(
        *command_line.ports_file,
        {{"grpc", process->grpc_endpoint().port}, {"http", process->http_endpoint().port}});
    if (!written.ok()) return Failed(written);
  }
  {
    const tidemark::daemon::DrainSignals signals(loop, [&] { stop(0); });
    loop.Run();
  }
  process.reset();
  tidemark::daemon::Log(LogLevel::kInfo, "spu.stopped", {{"code", exit_code}});
  return exit_code;
}

// Steps, seals, trims and cold reads of many partitions run in libuv's pool (by default of 4): as
// many threads as all volumes may take, and some for what belongs to none. It reads this once, when
// it is first used.
void ProvidePool(std::size_t volumes) {
  const std::size_t threads = (volumes + 1) * tidemark::spu::kPoolThreadsPerVolume;
  setenv("UV_THREADPOOL_SIZE", std::to_string(threads).c_str(), /*overwrite=*/0);
}

}  // namespace

int main(int argc, char** argv) {
  tidemark::daemon::SetUpProcess();
  if (argc > 1 && std::string_view(argv[1]) == "format") {
    return tidemark::spu::RunFormat(argc - 2, argv + 2);
  }
  SpuOptions options;
  const auto configured = tidemark::daemon::Configure(
      {"tidemark-spu", "The Tidemark agent: keeps partitions on this node's volumes.",
       TIDEMARK_VERSION},
      tidemark::spu::BindOptions(options), argc, argv);
  if (const auto* exit_code = std::get_if<ExitCode>(&configured)) return exit_code->value;

  const auto sink =
      std::make_shared<tidemark::daemon::StderrLogSink>(tidemark::daemon::StderrLogSink::Options{
          .format = options.daemon.log_format, .lowest = options.daemon.log_level});
  tidemark::daemon::InstallLogSink(sink);
  absl::Status checked = tidemark::spu::CheckOptions(options);
  if (checked.ok()) ProvidePool(options.volumes.size());
  if (checked.ok()) checked = tidemark::daemon::RefuseRoot(options.allow_root);
  const int exit_code =
      checked.ok() ? Serve(options, std::get<CommandLine>(configured)) : Failed(checked);
  tidemark::daemon::InstallLogSink(nullptr);
  return exit_code;
}
