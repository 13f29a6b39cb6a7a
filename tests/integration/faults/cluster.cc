#include "tests/integration/faults/cluster.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "monitor/volume_format.h"
#include "storage/fs/posix_file_system.h"
#include "tests/support/await.h"
#include "tests/support/command.h"

namespace tidemark::faults {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kHomeBytes = 96LL * 1024 * 1024;

// Everything is small, and nothing happens that the day did not ask for: no expiry by itself, a
// short settle time (the fewest readings still count), no reserve of the SC's own.
constexpr char kConfig[] = R"(id = "node-1"
state_dir = "%s"
sc = "%s"

[space]
settle = "1ms"

[retention]
interval = "1h"

[[volume]]
path = "%s"
step = %d
segment = "48KiB"
reserve = "32KiB"
full = %d
resume = "96KiB"
low = "160KiB"
)";

absl::Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0) return base::ErrnoStatus(errno, "mkdir " + path);
  return support::GiveToDaemons(path);
}

absl::Status Empty(const std::string& directory, const std::string& except) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path() != except) fs::remove_all(entry.path(), error);
    if (error) break;
  }
  return error ? absl::InternalError(absl::StrFormat("empty '%s'", directory)) : absl::OkStatus();
}

// As the daemons' user would have made it.
absl::Status Format(const std::string& directory) {
  static const base::SystemClock clock;
  static storage::PosixFileSystem file_system;
  TM_RETURN_IF_ERROR(MakeDirectory(directory));
  TM_RETURN_IF_ERROR(monitor::FormatVolume(file_system, directory, {}, clock).status());
  for (const auto& entry : fs::directory_iterator(directory)) {
    TM_RETURN_IF_ERROR(support::GiveToDaemons(entry.path()));
  }
  return absl::OkStatus();
}

std::vector<std::string> Listening(std::vector<std::string> arguments) {
  for (const char* name : {"--listen-grpc", "--listen-http"}) {
    arguments.emplace_back(name);
    arguments.emplace_back("127.0.0.1:0");
  }
  return arguments;
}

std::string Loopback(std::uint16_t port) { return absl::StrFormat("127.0.0.1:%d", port); }

}  // namespace

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Create(const std::string& library) {
  std::unique_ptr<Cluster> cluster(new Cluster);
  support::SmallVolume::Options options;
  options.kind = support::SmallVolume::Kind::kTmpfs;
  options.world_writable = true;
  options.size_bytes = kVolumeBytes;
  TM_ASSIGN_OR_RETURN(cluster->volume_, support::SmallVolume::Create(options));
  options.size_bytes = kHomeBytes;
  TM_ASSIGN_OR_RETURN(cluster->home_, support::SmallVolume::Create(options));
  cluster->library_ = cluster->home_->path() + "/shim.so";
  std::error_code error;
  fs::copy_file(library, cluster->library_, error);
  if (error) return absl::NotFoundError(absl::StrFormat("copy '%s': %s", library, error.message()));
  chmod(cluster->library_.c_str(), 0644);
  TM_ASSIGN_OR_RETURN(cluster->faults_, FaultRecord::Create(cluster->home_->path() + "/calls"));
  return cluster;
}

Cluster::~Cluster() {
  agent_.reset();
  controller_.reset();
  spu_.reset();
  sc_.reset();
}

absl::Status Cluster::Renew() {
  agent_.reset();
  controller_.reset();
  spu_.reset();
  sc_.reset();
  TM_RETURN_IF_ERROR(Empty(volume_->path(), ""));
  for (const char* name : {"/sc", "/sc-data", "/spu", "/spu-state"}) {
    std::error_code error;
    fs::remove_all(home_->path() + name, error);
    TM_RETURN_IF_ERROR(MakeDirectory(home_->path() + name));
  }
  faults_->Clear();
  TM_RETURN_IF_ERROR(Format(volume()));
  TM_RETURN_IF_ERROR(StartController());
  TM_RETURN_IF_ERROR(WriteConfig());
  support::DaemonOptions options;
  options.name = "spu";
  options.program = support::Program("tidemark-spu");
  options.directory = home_->path() + "/spu";
  options.arguments = Listening({"--config", options.directory + "/spu.toml"});
  options.environment = faults_->Environment(library_, scope());
  spu_ = std::make_unique<support::DaemonProcess>(options);
  return absl::OkStatus();
}

absl::Status Cluster::StartController() {
  support::DaemonOptions options;
  options.name = "sc";
  options.program = support::Program("tidemark-sc");
  options.directory = home_->path() + "/sc";
  options.arguments = Listening({"--data-dir", home_->path() + "/sc-data", "--heartbeat", "100ms",
                                 "--lease", "2s", "--store-reserve", "0"});
  sc_ = std::make_unique<support::DaemonProcess>(options);
  TM_RETURN_IF_ERROR(sc_->Start());
  TM_ASSIGN_OR_RETURN(const auto ports, sc_->WaitForPorts());
  controller_endpoint_ = Loopback(ports.at("grpc"));
  controller_ = std::make_unique<client::ControllerClient>(controller_endpoint_);
  return absl::OkStatus();
}

absl::Status Cluster::WriteConfig() {
  const std::string path = home_->path() + "/spu/spu.toml";
  std::ofstream(path) << absl::StrFormat(kConfig, state(), controller_endpoint_, volume(),
                                         kStepBytes, kFullBytes);
  return support::GiveToDaemons(path);
}

absl::Status Cluster::StartAgent() {
  agent_.reset();
  TM_RETURN_IF_ERROR(spu_->Start());
  TM_ASSIGN_OR_RETURN(const auto ports, spu_->WaitForPorts());
  agent_endpoint_ = Loopback(ports.at("grpc"));
  agent_ = std::make_unique<client::SpuClient>(agent_endpoint_);
  return absl::OkStatus();
}

absl::Status Cluster::StopAgent() {
  agent_.reset();
  spu_->Terminate();
  TM_ASSIGN_OR_RETURN(const auto exit, spu_->WaitForExit());
  if (exit.clean()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrFormat("the SPU ended with %s\n%s", exit.ToString(), spu_->LogTail()));
}

std::optional<support::ExitStatus> Cluster::AgentExit() {
  if (spu_->running()) return std::nullopt;
  const auto exit = spu_->WaitForExit();
  return exit.ok() ? std::optional(*exit) : std::nullopt;
}

bool Cluster::ControllerWasStopped() {
  if (sc_ == nullptr || sc_->running()) return false;
  const auto exit = sc_->WaitForExit();
  return exit.ok() && exit->clean();
}

std::string Cluster::Logs() {
  if (sc_ == nullptr || spu_ == nullptr) return "";
  constexpr std::size_t kAgentLines = 60;
  constexpr std::size_t kControllerLines = 20;
  const auto exit = sc_->running() ? absl::StatusOr<support::ExitStatus>(absl::UnknownError(""))
                                   : sc_->WaitForExit();
  return absl::StrFormat("%s-- SC: %s\n%s", spu_->LogTail(kAgentLines),
                         exit.ok() ? exit->ToString() : "runs", sc_->LogTail(kControllerLines));
}

void Cluster::KillAgent() {
  agent_.reset();
  spu_->Kill9();
}

}  // namespace tidemark::faults
