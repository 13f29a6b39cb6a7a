#include "tests/integration/disks/cluster.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "cli/client/controller_client.h"
#include "cli/client/spu_client.h"
#include "cli/words.h"
#include "tests/support/await.h"
#include "tests/support/command.h"

namespace tidemark::disks {
namespace {

using support::kLongWait;

// A proof's back-off after a competitor, and two settlings where it has to take the gap by trial,
// add up to half a minute by themselves.
constexpr auto kPatience = 4 * kLongWait;

std::string Loopback(std::uint16_t port) { return absl::StrFormat("127.0.0.1:%d", port); }

absl::Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0) return base::ErrnoStatus(errno, "mkdir " + path);
  return support::GiveToDaemons(path);
}

// The first start on any free port, every later one on the same.
absl::StatusOr<support::DaemonProcess::Ports> StartAndKeepPorts(support::DaemonProcess& daemon) {
  auto& arguments = daemon.options().arguments;
  const auto without = arguments;
  arguments.insert(arguments.end(), {"--listen-grpc", Loopback(0), "--listen-http", Loopback(0)});
  TM_RETURN_IF_ERROR(daemon.Start());
  TM_ASSIGN_OR_RETURN(auto ports, daemon.WaitForPorts());
  arguments = without;
  for (const auto& [name, port] : ports) {
    arguments.insert(arguments.end(), {"--listen-" + name, Loopback(port)});
  }
  return ports;
}

std::string SpuConfig(const std::string& state, const std::string& sc, const DiskCase& disk_case,
                      const std::string& volume) {
  std::string text = absl::StrFormat(
      "id = \"node-1\"\nstate_dir = \"%s\"\nsc = \"%s\"\n\n"
      "[space]\nsettle = \"200ms\"\nreading_deadline = \"30s\"\n\n"
      "[retention]\ninterval = \"200ms\"\n\n[[volume]]\npath = \"%s\"\n"
      "full = \"%d\"\nresume = \"%d\"\nlow = \"%d\"\nreserve = \"%d\"\nstep = \"%d\"\n"
      "segment = \"%d\"\n",
      state, sc, volume, kFullBytes, kResumeBytes, kLowBytes, kReserveBytes, kStepBytes,
      kSegmentBytes);
  if (disk_case.cause == Cause::kInodes) {
    text +=
        absl::StrFormat("full_inodes = \"%d\"\nresume_inodes = \"%d\"\nlow_inodes = \"%d\"\n",
                        disk_case.full_inodes(), disk_case.resume_inodes(), disk_case.low_inodes());
  }
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Create(Disk& disk, std::uint64_t seed) {
  std::unique_ptr<Cluster> cluster(new Cluster(disk, seed));
  chmod(cluster->home_.path().c_str(), 0711);
  TM_RETURN_IF_ERROR(cluster->Format());
  TM_RETURN_IF_ERROR(cluster->StartController());
  TM_RETURN_IF_ERROR(cluster->FirstStartOfAgent());
  TM_RETURN_IF_ERROR(cluster->CreateTopics());
  return cluster;
}

Cluster::~Cluster() {
  watcher_.reset();
  spu_.reset();
  sc_.reset();
}

absl::Status Cluster::Format() {
  support::CommandOptions options;
  options.as_daemon_user = true;
  TM_ASSIGN_OR_RETURN(const auto result, support::RunCommand({support::Program("tidemark-spu"),
                                                              "format", disk_.directory()},
                                                             options));
  if (result.exit.clean()) return absl::OkStatus();
  return absl::InternalError("format failed: " + result.ToString());
}

absl::Status Cluster::StartController() {
  for (const char* name : {"/sc", "/sc-data", "/spu", "/spu-state"}) {
    TM_RETURN_IF_ERROR(MakeDirectory(home_.path() + name));
  }
  support::DaemonOptions options;
  options.name = "sc";
  options.program = support::Program("tidemark-sc");
  options.directory = home_.path() + "/sc";
  options.arguments = {"--data-dir", home_.path() + "/sc-data", "--heartbeat", "250ms", "--lease",
                       "1s"};
  sc_ = std::make_unique<support::DaemonProcess>(options);
  TM_ASSIGN_OR_RETURN(const auto ports, StartAndKeepPorts(*sc_));
  controller_ = Loopback(ports.at("grpc"));
  TM_ASSIGN_OR_RETURN(wire_, support::TcpCut::Create(ports.at("grpc")));
  return absl::OkStatus();
}

absl::Status Cluster::FirstStartOfAgent() {
  const std::string config = home_.path() + "/spu/spu.toml";
  std::ofstream(config) << SpuConfig(home_.path() + "/spu-state", wire_->address(),
                                     disk_.disk_case(), disk_.directory());
  TM_RETURN_IF_ERROR(support::GiveToDaemons(config));
  support::DaemonOptions options;
  options.name = "spu";
  options.program = support::Program("tidemark-spu");
  options.directory = home_.path() + "/spu";
  options.arguments = {"--config", config};
  TM_ASSIGN_OR_RETURN(spu_clock_, network::WallClock::Create());
  options.environment = spu_clock_->Environment();
  spu_ = std::make_unique<support::DaemonProcess>(options);
  TM_ASSIGN_OR_RETURN(const auto ports, StartAndKeepPorts(*spu_));
  agent_ = Loopback(ports.at("grpc"));
  const auto ready = support::WaitFor(
      [&] {
        const auto volume = VolumeAtController();
        return volume.ok() && volume->reach() == sc::v1::REACH_UP &&
               volume->holds().held_size() == 0;
      },
      kLongWait, "the volume to be Ready at the SC");
  return ready ? absl::OkStatus() : absl::DeadlineExceededError(ready.message());
}

absl::Status Cluster::CreateTopics() {
  const client::ControllerClient controller(controller_);
  sc::v1::CreateTopicRequest keeping;
  keeping.set_name("kept");
  keeping.set_partitions(2);
  TM_RETURN_IF_ERROR(controller.CreateTopic(keeping).status());
  sc::v1::CreateTopicRequest expiring;
  expiring.set_name("expiring");
  expiring.set_partitions(1);
  expiring.mutable_policy()->set_retention_ms(kRetentionMs);
  TM_RETURN_IF_ERROR(controller.CreateTopic(expiring).status());
  TM_ASSIGN_OR_RETURN(const auto listed, controller.ListPartitions(""));
  for (const auto& partition : listed.partitions()) {
    all_.insert(partition.id());
    (partition.topic() == "kept" ? kept_ : expiring_).insert(partition.id());
  }
  TM_RETURN_IF_ERROR(WaitForStatus(sc::v1::PARTITION_STATUS_ONLINE, true));
  // As fast as it can: as good as no pause between two looks.
  watcher_ = std::make_unique<story::StatusWatcher>(controller_, std::chrono::milliseconds(1));
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> Cluster::Session() const {
  const client::ControllerClient controller(controller_);
  TM_ASSIGN_OR_RETURN(const auto spus, controller.ListSpus());
  if (spus.spus_size() == 0) return absl::NotFoundError("the SC knows no SPU");
  return spus.spus(0).attached() ? spus.spus(0).session() : 0;
}

absl::StatusOr<sc::v1::ScVolume> Cluster::VolumeAtController() const {
  const client::ControllerClient controller(controller_);
  TM_ASSIGN_OR_RETURN(const auto spus, controller.ListSpus());
  if (spus.spus_size() == 0 || spus.spus(0).volumes_size() == 0) {
    return absl::NotFoundError("the SC knows no volume");
  }
  return spus.spus(0).volumes(0);
}

absl::StatusOr<space::v1::Volume> Cluster::VolumeAtAgent() const {
  const client::SpuClient spu(agent_);
  TM_ASSIGN_OR_RETURN(const auto listed, spu.ListVolumes());
  if (listed.volumes_size() == 0) return absl::NotFoundError("the SPU lists no volume");
  return listed.volumes(0);
}

absl::StatusOr<space::v1::Explanation> Cluster::Explain() const {
  return client::SpuClient(agent_).Explain("");
}

absl::StatusOr<std::int64_t> Cluster::DurableEnd(std::uint64_t partition) const {
  TM_ASSIGN_OR_RETURN(const auto listed, client::SpuClient(agent_).ListLocalPartitions());
  for (const auto& one : listed.partitions()) {
    if (one.id() == partition) return one.durable_end();
  }
  return absl::NotFoundError(absl::StrFormat("the SPU has no partition id %d", partition));
}

absl::Status Cluster::WaitForStatus(sc::v1::PartitionStatus status, bool reachable) const {
  std::string last = "no answer";
  const client::ControllerClient controller(controller_);
  const auto shown = [&] {
    const auto listed = controller.ListPartitions("");
    if (!listed.ok()) return false;
    return std::ranges::all_of(listed->partitions(), [&](const sc::v1::Partition& partition) {
      last = absl::StrFormat(
          "%s is %s, reachable: %d (%s)", cli::PartitionName(partition.topic(), partition.index()),
          cli::StatusWord(partition.status()), partition.reachable(), partition.reason());
      return partition.status() == status && partition.reachable() == reachable;
    });
  };
  if (support::WaitFor(shown, kPatience, "")) return absl::OkStatus();
  const auto told = Explain();
  return absl::DeadlineExceededError(absl::StrFormat(
      "waited for %s, reachable: %d; last: %s; the SPU says: %s", cli::StatusWord(status),
      reachable, last, told.ok() ? told->ShortDebugString() : told.status().ToString()));
}

absl::Status Cluster::BeginChapter(sc::v1::PartitionStatus status) {
  TM_RETURN_IF_ERROR(WaitForStatus(status, true));
  TM_RETURN_IF_ERROR(watcher_->AwaitCaughtUp(all_, status));
  watcher_->BeginChapter();
  return absl::OkStatus();
}

absl::Status Cluster::WaitForNewSession(std::uint64_t session) const {
  const auto newer = support::WaitFor(
      [&] {
        const auto now = Session();
        return now.ok() && *now > session;
      },
      kLongWait, absl::StrFormat("a session newer than %d", session));
  return newer ? absl::OkStatus() : absl::DeadlineExceededError(newer.message());
}

absl::Status Cluster::WaitForSession(std::uint64_t session, sc::v1::PartitionStatus status) const {
  TM_RETURN_IF_ERROR(WaitForNewSession(session));
  return WaitForStatus(status, true);
}

absl::Status Cluster::LetRecordsExpire() {
  spu_clock_->JumpBy(2 * std::chrono::milliseconds(kRetentionMs));
  const auto noticed = support::WaitFor([&] { return spu_clock_->Noticed(); }, kLongWait,
                                        "the SPU to look at its clock");
  return noticed ? absl::OkStatus() : absl::DeadlineExceededError(noticed.message());
}

void Cluster::KillAgent() { spu_->Kill9(); }

absl::Status Cluster::StartAgent() {
  log_counted_ = 0;
  TM_RETURN_IF_ERROR(spu_->Start());
  return spu_->WaitForPorts().status();
}

absl::Status Cluster::CountFailedCalls(Tally& tally) {
  const std::string log = spu_->Log();
  std::string bad;
  std::size_t begin = log_counted_;
  for (std::size_t end = 0; (end = log.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = log.substr(begin, end - begin);
    if (line.find("dropped") != std::string::npos) tally.Count("log_lines_with_dropped");
    if (line.find("\"volume.call_failed\"") == std::string::npos) continue;
    const bool space = line.find("\"meaning\":\"space\"") != std::string::npos;
    // btrfs: to give back the rest of a step is a write of metadata, and the quota refuses it.
    const bool give_back = disk_.disk_case().cause == Cause::kQuota &&
                           line.find("\"seal a segment\"") != std::string::npos;
    tally.Count(space       ? "allocations_refused_by_the_disk"
                : give_back ? "give_backs_refused_by_the_quota"
                            : "other_failed_calls");
    if (!space && !give_back) bad = line;
  }
  log_counted_ = begin;
  if (bad.empty() || disk_.disk_case().cause == Cause::kThin) return absl::OkStatus();
  tally.Count("failed_writes_of_its_own");
  return absl::InternalError("the SPU failed in what was no allocation: " + bad);
}

bool Cluster::FailedByQuota() const {
  if (disk_.disk_case().cause != Cause::kQuota) return false;
  const auto volume = VolumeAtAgent();
  return volume.ok() && volume->device_faults_size() > 0 &&
         absl::StrContains(volume->device_faults(0).detail(), "(EDQUOT)");
}

absl::Status Cluster::RecoverFromFault() {
  TM_RETURN_IF_ERROR(WaitForStatus(sc::v1::PARTITION_STATUS_FAILED, true));
  TM_RETURN_IF_ERROR(disk_.StopCompeting());
  TM_RETURN_IF_ERROR(disk_.ForeignDelete());
  KillAgent();
  TM_RETURN_IF_ERROR(StartAgent());
  TM_RETURN_IF_ERROR(WaitForStatus(sc::v1::PARTITION_STATUS_ONLINE, true));
  TM_RETURN_IF_ERROR(Trim(0));
  return ledger_.unread() == 0 ? absl::OkStatus()
                               : absl::DataLossError("acknowledged records were never read back");
}

std::string Cluster::LogTails() const {
  return absl::StrFormat("---- sc\n%s\n---- spu\n%s\n", sc_->LogTail(20), spu_->LogTail(60));
}

}  // namespace tidemark::disks
