#include "spu/spu_process.h"

#include <sys/random.h>

#include <algorithm>
#include <future>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/check.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "daemon/command_line.h"
#include "daemon/grpc_health_publisher.h"
#include "daemon/grpc_server.h"
#include "daemon/health_routes.h"
#include "daemon/http_server.h"
#include "daemon/log.h"
#include "spu/volume/volume_view.h"

namespace tidemark::spu {
namespace {

namespace event = monitor::event;
namespace sc_pb = tidemark::sc::v1;
using daemon::LogLevel;

constexpr base::Duration kTickInterval = std::chrono::milliseconds(250);
constexpr base::Duration kOpenDeadline = std::chrono::seconds(10);
constexpr base::Duration kDrainPoll = std::chrono::milliseconds(5);
constexpr base::Duration kIdleConnectionsGrace = std::chrono::seconds(1);
// A hold is durable after some milliseconds; a slow disk may take longer.
constexpr base::Duration kRecordIsLate = std::chrono::seconds(2);
constexpr char kFencedBefore[] =
    "the controller refused this SPU before its restart, and has not taken it in since";

std::uint64_t RandomNumber() {
  std::uint64_t number = 0;
  TM_CHECK(getrandom(&number, sizeof number, 0) == static_cast<ssize_t>(sizeof number));
  return number;
}

VolumeOptions OptionsOf(const SpuOptions& options, const VolumeConfig& volume) {
  VolumeOptions out;
  out.marks = volume.marks;
  out.reading_deadline = options.reading_deadline;
  out.settle = options.settle;
  out.retention_interval = options.retention_interval;
  out.commit_queue_bytes_max = options.commit_queue_bytes_max;
  out.batch_bytes_max = options.batch_bytes_max;
  return out;
}

struct OpenedVolume {
  std::shared_ptr<VolumeDisk> disk;
  absl::Status marks;  // as far as they can be judged before anything else is known
};

// A hung mount must not hold up the others: who does not answer in time counts as not there, and
// its thread is left to the kernel.
absl::StatusOr<OpenedVolume> OpenInTime(storage::FileSystem& file_system, const base::Clock& clock,
                                        const VolumeConfig& config) {
  using Opened = absl::StatusOr<OpenedVolume>;
  auto promise = std::make_shared<std::promise<Opened>>();
  std::future<Opened> opened = promise->get_future();
  std::thread([&file_system, &clock, config, promise] {
    auto disk = VolumeDisk::Open(file_system, clock, config.path);
    if (!disk.ok()) return promise->set_value(disk.status());
    absl::Status marks = Volume::CheckMarks(**disk, config.marks);
    promise->set_value(OpenedVolume{*std::move(disk), std::move(marks)});
  }).detach();
  if (opened.wait_for(kOpenDeadline) == std::future_status::ready) return opened.get();
  return absl::UnavailableError(absl::StrFormat("open volume '%s': no answer from the disk for %s",
                                                config.path, base::FormatDuration(kOpenDeadline)));
}

}  // namespace

SpuProcess::SpuProcess(daemon::EventLoop& loop, const base::Clock& clock, const SpuOptions& options,
                       OnExitCallback on_exit)
    : loop_(loop),
      clock_(clock),
      options_(options),
      on_exit_(std::move(on_exit)),
      health_(std::make_shared<daemon::HealthRegistry>()),
      metrics_(std::make_shared<daemon::MetricRegistry>()),
      health_state_(std::make_shared<HealthState>()),
      spu_metrics_(*metrics_),
      partitions_(volumes_, clock, spu_metrics_, options.batch_bytes_max),
      local_volumes_(loop, volumes_, options.id),
      tick_(loop, [this] { Tick(); }) {}

SpuProcess::~SpuProcess() {
  tick_.Stop();
  health_publisher_.reset();
  http_.reset();
  server_.reset();  // its streams hold on to the services and the hosts
  link_.reset();
}

absl::StatusOr<std::unique_ptr<SpuProcess>> SpuProcess::Start(daemon::EventLoop& loop,
                                                              const base::Clock& clock,
                                                              storage::FileSystem& file_system,
                                                              const SpuOptions& options,
                                                              OnExitCallback on_exit) {
  std::unique_ptr<SpuProcess> process(new SpuProcess(loop, clock, options, std::move(on_exit)));
  TM_ASSIGN_OR_RETURN(process->identity_,
                      IdentityStore::Open(file_system, options.state_directory));
  TM_RETURN_IF_ERROR(process->OpenVolumes(file_system));
  TM_RETURN_IF_ERROR(process->StartServer());
  if (process->identity_->record().fenced) process->OnFence(kFencedBefore);
  process->StartLink();
  process->StartVolumes();
  process->tick_.StartPeriodic(kTickInterval);
  return process;
}

absl::Status SpuProcess::OpenVolumes(storage::FileSystem& file_system) {
  std::map<std::uint64_t, std::string> devices;
  absl::Status first_fault;
  for (const VolumeConfig& config : options_.volumes) {
    auto opened = OpenInTime(file_system, clock_, config);
    if (!opened.ok()) {
      daemon::Log(LogLevel::kError, "volume.not_opened",
                  {{"volume", config.path}, {"why", opened.status().message()}});
      absl::StrAppendFormat(&volume_faults_, "%s%s", volume_faults_.empty() ? "" : "; ",
                            opened.status().message());
      volumes_.AddUnopened(config.path, opened.status());
      if (first_fault.ok()) first_fault = opened.status();
      continue;
    }
    // Before the SC hears of a volume that would never serve.
    if (!opened->marks.ok()) {
      return base::Annotate(opened->marks, absl::StrFormat("volume '%s'", config.path));
    }
    std::shared_ptr<VolumeDisk>& disk = opened->disk;
    const auto [same, added] = devices.emplace(disk->device_id(), config.path);
    if (!added) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "volumes '%s' and '%s' lie on one filesystem (device %d): they would spend the same "
          "space twice; give each a filesystem of its own, or configure one",
          same->second, config.path, disk->device_id()));
    }
    volumes_.Add(std::make_unique<Volume>(loop_, clock_, std::move(disk),
                                          OptionsOf(options_, config), *this));
  }
  // One bad disk must not stop the others; none at all is no SPU.
  return volumes_.all().empty() ? first_fault : absl::OkStatus();
}

absl::Status SpuProcess::StartServer() {
  services_ = std::make_unique<Services>(loop_, partitions_, local_volumes_);
  AddHealthChecks();
  metrics_->AddBuildInfo("tidemark-spu", TIDEMARK_VERSION);
  daemon::GrpcServerOptions server;
  server.endpoint = options_.daemon.grpc_listen;
  server.health_services = {kProduceHealth, kConsumeHealth};
  for (const std::string& name : daemon::GrpcHealthPublisher::Services()) {
    server.health_services.push_back(name);
  }
  TM_ASSIGN_OR_RETURN(server_, daemon::GrpcServer::Start(loop_, server, services_->all()));
  health_publisher_ =
      std::make_unique<daemon::GrpcHealthPublisher>(*server_, health_, kTickInterval);
  daemon::HttpServer::Routes routes;
  daemon::AddHealthRoutes(routes, health_);
  daemon::AddMetricsRoute(routes, metrics_);
  TM_ASSIGN_OR_RETURN(http_,
                      daemon::HttpServer::Start(options_.daemon.http_listen, std::move(routes)));
  daemon::Log(LogLevel::kInfo, "spu.serving",
              {{"id", options_.id},
               {"grpc", grpc_endpoint().ToString()},
               {"http", http_endpoint().ToString()},
               {"boot_count", identity_->record().boot_count},
               {"volumes", volumes_.all().size()}});
  return absl::OkStatus();
}

void SpuProcess::StartLink() {
  LinkOptions link;
  link.spu_id = options_.id;
  link.grpc_endpoint = options_.advertise.empty() ? grpc_endpoint().ToString() : options_.advertise;
  link.http_endpoint = http_endpoint().ToString();
  link.version = TIDEMARK_VERSION;
  link.boot_nonce = RandomNumber();
  link.backoff_seed = RandomNumber();
  link_ = std::make_unique<ScLink>(loop_, clock_, link, *identity_, options_.sc, *this);
  book_ = std::make_unique<AssignmentBook>(
      volumes_, volume_faults_.empty(),
      [this](sc_pb::AssignmentsAck ack) { link_->AcknowledgeAssignments(std::move(ack)); });
  for (const auto& volume : volumes_.all()) {
    link_->AddVolume(volume->uuid(), volume->disk().path());
  }
  link_->Start();
}

void SpuProcess::StartVolumes() {
  for (const auto& volume : volumes_.all()) {
    volume->Start([this, volume = volume.get()](const absl::Status& started) {
      if (started.ok()) {
        book_->OnVolumeChanged();
        PublishHealth();
        return;
      }
      OnVolumeNotStarted(*volume, started);
    });
  }
}

// One bad disk must not stop the others. What the configuration got wrong, a person must mend
// first.
void SpuProcess::OnVolumeNotStarted(const Volume& volume, const absl::Status& why) {
  const std::string& path = volume.disk().path();
  const bool last = std::ranges::all_of(
      volumes_.all(), [](const auto& each) { return !each->start_fault().empty(); });
  if (last || absl::IsInvalidArgument(why)) {
    return OnExit(daemon::kExitConfiguration,
                  absl::StrFormat("volume '%s' cannot start: %s", path, why.message()));
  }
  daemon::Log(LogLevel::kError, "volume.not_started", {{"volume", path}, {"why", why.message()}});
  OnVolumeChanged(volume.uuid());
}

void SpuProcess::Tick() {
  PublishHealth();
  PublishProgress();
  PublishLink();
}

void SpuProcess::PublishProgress() {
  std::vector<sc_pb::PartitionProgress> progress;
  LinkHealth link_health;
  for (const auto& volume : volumes_.all()) {
    if (const auto state = volume->State(); state.reading.has_value()) {
      link_health.sample_age =
          std::max(link_health.sample_age, clock_.Now() - state.reading->finished);
    }
    if (volume->driver() != nullptr &&
        volume->driver()->policy().unvouched_for(clock_.Now()) >= kRecordIsLate) {
      link_health.unvouched.push_back(volume->uuid());
    }
    for (const auto& [id, partition] : volume->partitions()) {
      const storage::PartitionLog& log = partition->log();
      sc_pb::PartitionProgress& entry = progress.emplace_back();
      entry.set_partition_id(id.value());
      entry.set_log_start(log.LogStart().value());
      entry.set_durable_end(log.DurableEnd().value());
      entry.set_size_bytes(log.allocated_bytes());
    }
  }
  link_->SetHealth(link_health);
  link_->SetProgress(std::move(progress));
}

void SpuProcess::OnVolumeChanged(const base::Uuid& uuid) {
  const Volume* volume = volumes_.Find(uuid);
  if (volume == nullptr || link_ == nullptr) return;
  if (const auto truth = TruthOf(*volume, identity_->record().boot_count); truth.has_value()) {
    link_->SetReport(ReportOf(*truth, clock_.Now()));
  }
  spu_metrics_.OnVolume(*volume);
  local_volumes_.OnVolumeChanged(uuid);
  book_->OnVolumeChanged();
  PublishHealth();
}

void SpuProcess::OnProofRefused(const ProofRefused& refused) {
  daemon::Log(LogLevel::kError, "proof.refused_by_sc",
              {{"volume", refused.volume.ToString()},
               {"generation", refused.generation.value()},
               {"why", refused.detail}});
  if (Volume* volume = volumes_.Find(refused.volume)) {
    volume->Apply(event::ProofRefused{refused.generation, refused.detail});
  }
}

void SpuProcess::OnWiped(const Wiped& wiped) {
  daemon::Log(
      LogLevel::kError, "volume.wiped",
      {{"volume", wiped.volume.ToString()}, {"known_generation", wiped.known_generation.value()}});
  if (Volume* volume = volumes_.Find(wiped.volume)) {
    volume->Apply(event::KnownElsewhere{wiped.known_generation, wiped.known_episode});
  }
}

void SpuProcess::OnAssignments(const sc_pb::Assignments& assignments) { book_->Apply(assignments); }

void SpuProcess::OnLinkChanged(bool /*attached*/) { PublishLink(); }

void SpuProcess::OnFence(const std::string& why) {
  if (why == fence_) return;
  fence_ = why;
  daemon::Log(why.empty() ? LogLevel::kInfo : LogLevel::kError,
              why.empty() ? "spu.fence_lifted" : "spu.fenced", {{"why", why}});
  for (const auto& volume : volumes_.all()) volume->SetFence(why);
  PublishHealth();
}

void SpuProcess::PublishLink() {
  spu_metrics_.OnLink(link_->core().attached(), link_->core().synced(), clock_.Now());
}

void SpuProcess::OnExit(int code, const std::string& why) {
  daemon::Log(LogLevel::kError, "spu.must_exit", {{"code", code}, {"why", why}});
  if (on_exit_) std::exchange(on_exit_, nullptr)(code);
}

daemon::Endpoint SpuProcess::grpc_endpoint() const { return server_->endpoint(); }
daemon::Endpoint SpuProcess::http_endpoint() const { return http_->endpoint(); }

void SpuProcess::Stop(absl::AnyInvocable<void()> done) {
  daemon::Log(LogLevel::kInfo, "spu.stopping", {{"streams", services_->streams()}});
  tick_.Stop();
  server_->StopAccepting();
  services_->Drain();
  const base::MonotonicTime cut_off = clock_.Now() + options_.daemon.drain_grace;
  drain_ =
      std::make_unique<daemon::Timer>(loop_, [this, cut_off, done = std::move(done)]() mutable {
        if (services_->streams() > 0 && clock_.Now() < cut_off) return;
        drain_->Stop();
        EndServer(std::move(done));
      });
  drain_->StartPeriodic(kDrainPoll);
}

// The streams have been answered; gRPC would still wait for idle connections of clients that do not
// poll.
void SpuProcess::EndServer(absl::AnyInvocable<void()> done) {
  server_->ShutDown(kIdleConnectionsGrace, [this, done = std::move(done)]() mutable {
    StopVolumes([this, done = std::move(done)]() mutable { link_->Stop(std::move(done)); });
  });
}

void SpuProcess::StopVolumes(absl::AnyInvocable<void()> done) {
  auto shared = std::make_shared<absl::AnyInvocable<void()>>(std::move(done));
  stopping_volumes_ = volumes_.all().size();
  for (const auto& volume : volumes_.all()) {
    volume->Stop([this, shared] {
      if (--stopping_volumes_ == 0) (*shared)();
    });
  }
}

}  // namespace tidemark::spu
