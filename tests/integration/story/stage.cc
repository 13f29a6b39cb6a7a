#include "tests/integration/story/stage.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "cli/client/controller_client.h"
#include "cli/client/producer.h"
#include "cli/client/spu_client.h"
#include "cli/words.h"

namespace tidemark::story {
namespace {

using support::kLongWait;

constexpr int kCalmRecords = 5;

std::string Loopback(std::uint16_t port) { return absl::StrFormat("127.0.0.1:%d", port); }

absl::Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0) return base::ErrnoStatus(errno, "mkdir " + path);
  return support::GiveToDaemons(path);
}

// The ports of this start for all later ones.
void KeepPorts(support::DaemonProcess& daemon, const support::DaemonProcess::Ports& ports) {
  auto& arguments = daemon.options().arguments;
  for (const auto& [name, port] : ports) {
    arguments.push_back("--listen-" + name);
    arguments.push_back(Loopback(port));
  }
}

}  // namespace

absl::Status Expect(bool condition, const std::string& what) {
  return condition ? absl::OkStatus() : absl::InternalError(what);
}

absl::StatusOr<std::unique_ptr<Stage>> Stage::Create(Reporter& reporter, std::uint64_t seed,
                                                     const StageOptions& options) {
  std::unique_ptr<Stage> stage(new Stage(reporter, seed));
  stage->volume_settings_ = options.settings;
  TM_RETURN_IF_ERROR(stage->MakeVolumes(options));
  return stage;
}

Stage::~Stage() {
  watcher.reset();
  spu.reset();
  sc.reset();
}

absl::Status Stage::MakeVolumes(const StageOptions& options) {
  for (int i = 0; i < 2; ++i) {
    TM_ASSIGN_OR_RETURN(auto volume,
                        support::SmallVolume::Create({.size_bytes = options.volume_bytes,
                                                      .inodes = options.inodes,
                                                      .world_writable = true}));
    TM_ASSIGN_OR_RETURN(neighbours.emplace_back(), support::ForeignFiller::Create(volume->path()));
    TM_RETURN_IF_ERROR(neighbours.back()->Take(kNeighbourBytes));
    volumes.push_back(std::move(volume));
    TM_RETURN_IF_ERROR(MakeDirectory(volume_directory(i)));
  }
  return absl::OkStatus();
}

std::string Stage::volume_directory(int index) const {
  return volumes[static_cast<std::size_t>(index)]->path() + "/tidemark";
}

std::string Stage::file_system() const {
  return volumes.front()->kind() == support::SmallVolume::Kind::kExt4 ? "ext4 on a loop device"
                                                                      : "tmpfs";
}

absl::Status Stage::Format(int index) {
  support::CommandOptions options;
  options.as_daemon_user = true;
  const std::vector<std::string> words = {support::Program("tidemark-spu"), "format",
                                          volume_directory(index)};
  TM_ASSIGN_OR_RETURN(const auto result, support::RunCommand(words, options));
  TM_RETURN_IF_ERROR(Expect(result.exit.clean(), "format failed: " + result.ToString()));
  reporter.Note("$ tidemark-spu format " + volume_directory(index));
  return absl::OkStatus();
}

absl::Status Stage::StartDaemons() {
  for (int i = 0; i < 2; ++i) TM_RETURN_IF_ERROR(Format(i));
  for (const char* name : {"/sc", "/sc-data", "/spu", "/spu-state"}) {
    TM_RETURN_IF_ERROR(MakeDirectory(home_.path() + name));
  }
  chmod(home_.path().c_str(), 0711);
  support::DaemonOptions controller;
  controller.name = "sc";
  controller.program = support::Program("tidemark-sc");
  controller.directory = home_.path() + "/sc";
  controller.arguments = {
      "--data-dir", home_.path() + "/sc-data", "--heartbeat", "250ms", "--lease", "1s"};
  sc = std::make_unique<support::DaemonProcess>(controller);
  sc->options().arguments.insert(sc->options().arguments.end(),
                                 {"--listen-grpc", Loopback(0), "--listen-http", Loopback(0)});
  TM_RETURN_IF_ERROR(sc->Start());
  TM_ASSIGN_OR_RETURN(const auto sc_ports, sc->WaitForPorts());
  controller_endpoint_ = Loopback(sc_ports.at("grpc"));
  sc->options().arguments = controller.arguments;
  KeepPorts(*sc, sc_ports);
  TM_ASSIGN_OR_RETURN(wire, support::TcpCut::Create(sc_ports.at("grpc")));

  const std::string config = home_.path() + "/spu/spu.toml";
  std::ofstream(config) << absl::StrFormat(
      "id = \"node-1\"\nstate_dir = \"%s\"\nsc = \"%s\"\n\n[[volume]]\npath = \"%s\"\n%s\n"
      "[[volume]]\npath = \"%s\"\n%s\n",
      state_directory(), wire->address(), volume_directory(0), volume_settings_,
      volume_directory(1), volume_settings_);
  support::DaemonOptions agent;
  agent.name = "spu";
  agent.program = support::Program("tidemark-spu");
  agent.directory = home_.path() + "/spu";
  agent.arguments = {"--config", config};
  TM_RETURN_IF_ERROR(support::GiveToDaemons(config));
  spu = std::make_unique<support::DaemonProcess>(agent);
  spu->options().arguments.insert(spu->options().arguments.end(),
                                  {"--listen-grpc", Loopback(0), "--listen-http", Loopback(0)});
  TM_RETURN_IF_ERROR(spu->Start());
  TM_ASSIGN_OR_RETURN(const auto spu_ports, spu->WaitForPorts());
  agent_endpoint_ = Loopback(spu_ports.at("grpc"));
  spu->options().arguments = agent.arguments;
  KeepPorts(*spu, spu_ports);
  watcher = std::make_unique<StatusWatcher>(controller_endpoint_);
  return absl::OkStatus();
}

absl::Status Stage::StartController() {
  TM_RETURN_IF_ERROR(sc->Start());
  return sc->WaitForPorts().status();
}

absl::Status Stage::StartAgent() {
  TM_RETURN_IF_ERROR(spu->Start());
  return spu->WaitForPorts().status();
}

absl::StatusOr<support::CommandResult> Stage::Type(const std::vector<std::string>& words,
                                                   int expected, const std::string& input) {
  std::vector<std::string> command = {support::Program("tidemark")};
  command.insert(command.end(), words.begin(), words.end());
  support::CommandOptions options;
  options.input = input;
  options.environment = {"TIDEMARK_SC=" + controller_endpoint_};
  reporter.Note("$ tidemark " + absl::StrJoin(words, " "));
  TM_ASSIGN_OR_RETURN(auto result, support::RunCommand(command, options));
  TM_RETURN_IF_ERROR(
      Expect(result.exit.signal == 0 && result.exit.code == expected,
             absl::StrFormat("'tidemark %s' should exit with %d: %s", absl::StrJoin(words, " "),
                             expected, result.ToString())));
  return result;
}

absl::StatusOr<std::vector<sc::v1::Partition>> Stage::Partitions() const {
  const client::ControllerClient controller(controller_endpoint_);
  TM_ASSIGN_OR_RETURN(const auto listed, controller.ListPartitions(""));
  return std::vector<sc::v1::Partition>(listed.partitions().begin(), listed.partitions().end());
}

absl::Status Stage::WaitForStatus(const std::set<std::uint64_t>& partitions,
                                  sc::v1::PartitionStatus status, bool reachable) const {
  std::string last = "no answer";
  const auto shown = [&] {
    const auto listed = Partitions();
    if (!listed.ok()) {
      last = std::string(listed.status().message());
      return false;
    }
    return std::ranges::all_of(*listed, [&](const sc::v1::Partition& partition) {
      if (!partitions.contains(partition.id())) return true;
      if (partition.status() == status && partition.reachable() == reachable) return true;
      last = absl::StrFormat("%s is %s, reachable: %s (%s)",
                             cli::PartitionName(partition.topic(), partition.index()),
                             cli::StatusWord(partition.status()),
                             partition.reachable() ? "yes" : "no", partition.reason());
      return false;
    });
  };
  const auto waited = support::WaitFor(shown, kLongWait, "the SC to show it");
  if (waited) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrFormat("waited for %s, reachable: %s; last: %s",
                                                     cli::StatusWord(status),
                                                     reachable ? "yes" : "no", last));
}

absl::StatusOr<space::v1::Volume> Stage::FullVolume() const {
  const client::SpuClient spu_client(agent_endpoint_);
  TM_ASSIGN_OR_RETURN(const auto listed, spu_client.ListVolumes());
  for (const auto& volume : listed.volumes()) {
    if (volume.path() == full_path) return volume;
  }
  return absl::NotFoundError("the SPU does not list " + full_path);
}

absl::Status Stage::ChooseVolumes() {
  TM_ASSIGN_OR_RETURN(const auto partitions, Partitions());
  const client::SpuClient spu_client(agent_endpoint_);
  TM_ASSIGN_OR_RETURN(const auto listed, spu_client.ListVolumes());
  for (const sc::v1::Partition& partition : partitions) {
    (partition.volume() == partitions.front().volume() ? full_partitions : calm_partitions)
        .insert(partition.id());
  }
  for (const auto& volume : listed.volumes()) {
    if (volume.uuid() == partitions.front().volume()) full_path = volume.path();
  }
  TM_RETURN_IF_ERROR(Expect(!full_path.empty() && !calm_partitions.empty(),
                            "the partitions do not lie on both volumes"));
  const std::string root = full_path.substr(0, full_path.rfind('/'));
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    if (volumes[i]->path() == root) neighbour = neighbours[i].get();
  }
  TM_RETURN_IF_ERROR(Expect(neighbour != nullptr, "no volume is mounted at " + root));
  TM_ASSIGN_OR_RETURN(grabber, support::ForeignFiller::Create(root));
  return absl::OkStatus();
}

absl::Status Stage::ProveCalm() {
  absl::Status failure;
  {
    TM_ASSIGN_OR_RETURN(const auto producer,
                        client::Producer::Connect(agent_endpoint_, {},
                                                  {[&](const client::Outcome& outcome) {
                                                     ledger.Take(outcome);
                                                     if (failure.ok()) {
                                                       failure = outcome.status;
                                                     }
                                                   },
                                                   nullptr}));
    for (const std::uint64_t partition : calm_partitions) {
      for (int i = 0; i < kCalmRecords; ++i) {
        const std::uint64_t tag = ledger.NextTag();
        const std::string value = ledger.ValueOf(partition, tag);
        TM_RETURN_IF_ERROR(producer->Append(partition, {.key = {}, .value = value}, tag));
      }
    }
    TM_RETURN_IF_ERROR(producer->Flush(kLongWait));
  }
  return base::Annotate(failure, "the second volume refused a record");
}

}  // namespace tidemark::story
