#include "tests/integration/network/arena.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cli/words.h"
#include "tests/integration/story/steps.h"
#include "tests/support/await.h"
#include "tests/support/http_fetch.h"

namespace tidemark::network {
namespace {

using story::Expect;
using support::WaitFor;

// Long enough for a daemon under a sanitizer, short enough that a stopped one costs no lease.
constexpr base::Duration kCall = std::chrono::milliseconds(500);
// Only a broken program reaches it.
constexpr base::Duration kNever = std::chrono::seconds(60);

bool OnlySpaceIsHeld(const space::v1::Holds& holds) {
  return holds.held_size() == 1 && holds.held(0) == space::v1::HOLD_KIND_SPACE;
}

absl::Status Restart(support::DaemonProcess& daemon, const WallClock& clock) {
  daemon.Terminate();
  TM_RETURN_IF_ERROR(daemon.WaitForExit().status());
  auto& environment = daemon.options().environment;
  for (std::string& variable : clock.Environment()) environment.push_back(std::move(variable));
  TM_RETURN_IF_ERROR(daemon.Start());
  return daemon.WaitForPorts().status();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Arena>> Arena::Create(story::Reporter& reporter,
                                                     std::uint64_t seed) {
  std::unique_ptr<Arena> arena(new Arena());
  TM_ASSIGN_OR_RETURN(arena->stage_, story::Stage::Create(reporter, seed));
  TM_ASSIGN_OR_RETURN(arena->sc_clock_, WallClock::Create());
  TM_ASSIGN_OR_RETURN(arena->spu_clock_, WallClock::Create());
  TM_RETURN_IF_ERROR(story::ServeRecords(*arena->stage_));
  TM_RETURN_IF_ERROR(arena->RestartWithClocks());
  TM_RETURN_IF_ERROR(arena->HoldOneVolume());
  TM_RETURN_IF_ERROR(arena->AwaitAgreement().status());
  return arena;
}

absl::Status Arena::RestartWithClocks() {
  TM_RETURN_IF_ERROR(Restart(*stage_->sc, *sc_clock_));
  TM_RETURN_IF_ERROR(Restart(*stage_->spu, *spu_clock_));
  TM_ASSIGN_OR_RETURN(const auto ports, stage_->spu->WaitForPorts());
  spu_http_port_ = ports.at("http");
  TM_RETURN_IF_ERROR(stage_->WaitForStatus(stage_->full_partitions, kOnline, true));
  return stage_->WaitForStatus(stage_->calm_partitions, kOnline, true);
}

absl::Status Arena::HoldOneVolume() {
  TM_ASSIGN_OR_RETURN(const auto volume, stage_->FullVolume());
  TM_RETURN_IF_ERROR(stage_->neighbour->FillUntilLeft(volume.marks().full_bytes() / 2));
  return stage_->WaitForStatus(stage_->full_partitions, kFull, true);
}

client::ControllerClient& Arena::Controller() {
  if (controller_ == nullptr) {
    controller_ = std::make_unique<client::ControllerClient>(stage_->controller(), kCall);
  }
  return *controller_;
}

client::SpuClient& Arena::Spu() {
  if (spu_ == nullptr) spu_ = std::make_unique<client::SpuClient>(stage_->agent(), kCall);
  return *spu_;
}

absl::StatusOr<Agreement> Arena::Agree() {
  Agreement agreement;
  TM_RETURN_IF_ERROR(CheckPartitions());
  TM_RETURN_IF_ERROR(CheckVolumes(agreement));
  TM_RETURN_IF_ERROR(CheckSynced());
  return agreement;
}

absl::Status Arena::CheckPartitions() {
  const auto listed = Controller().ListPartitions("");
  if (!listed.ok()) controller_.reset();
  TM_RETURN_IF_ERROR(listed.status());
  TM_RETURN_IF_ERROR(Expect(listed->partitions_size() == 4, "the SC lost partitions"));
  for (const sc::v1::Partition& partition : listed->partitions()) {
    const auto wanted = stage_->full_partitions.contains(partition.id()) ? kFull : kOnline;
    if (partition.status() == wanted && partition.reachable()) continue;
    return absl::InternalError(
        absl::StrFormat("the SC shows %s as %s, reachable: %s (%s)",
                        cli::PartitionName(partition.topic(), partition.index()),
                        cli::StatusWord(partition.status()), partition.reachable() ? "yes" : "no",
                        partition.reason()));
  }
  return absl::OkStatus();
}

absl::Status Arena::CheckVolumes(Agreement& agreement) {
  const auto spus = Controller().ListSpus();
  if (!spus.ok()) controller_.reset();
  TM_RETURN_IF_ERROR(spus.status());
  const auto own = Spu().ListVolumes();
  if (!own.ok()) spu_.reset();
  TM_RETURN_IF_ERROR(own.status());
  TM_RETURN_IF_ERROR(Expect(spus->spus_size() == 1 && spus->spus(0).attached(), "not attached"));
  agreement.session = spus->spus(0).session();
  TM_RETURN_IF_ERROR(Expect(own->volumes_size() == 2, "the SPU has not both volumes"));
  for (const space::v1::Volume& volume : own->volumes()) {
    const auto& known = spus->spus(0).volumes();
    const auto found = std::ranges::find_if(
        known, [&](const sc::v1::ScVolume& one) { return one.uuid() == volume.uuid(); });
    TM_RETURN_IF_ERROR(Expect(found != known.end(), "the SC does not list " + volume.path()));
    TM_RETURN_IF_ERROR(
        Expect(found->reach() == sc::v1::REACH_UP, volume.path() + " is not Up at the SC"));
    TM_RETURN_IF_ERROR(
        Expect(found->generation() == volume.generation(),
               absl::StrFormat("%s: the SC has generation %d, the SPU %d", volume.path(),
                               found->generation(), volume.generation())));
    const bool full = volume.path() == stage_->full_path;
    const bool right = full ? OnlySpaceIsHeld(volume.holds()) && !volume.accepting()
                            : volume.holds().held_size() == 0 && volume.accepting();
    TM_RETURN_IF_ERROR(Expect(right, "the SPU's own view: " + volume.ShortDebugString()));
    (full ? agreement.full_generation : agreement.calm_generation) = volume.generation();
    if (full) agreement.episode = volume.holds().space().episode();
  }
  return absl::OkStatus();
}

absl::Status Arena::CheckSynced() {
  return Expect(SpuGauge("tidemark_sc_synced") == 1, "the SPU waits for an acknowledgement");
}

int Arena::SpuGauge(const std::string& name) {
  const std::string body = support::HttpFetch(spu_http_port_, "/metrics").body;
  const std::size_t at = body.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::atoi(body.c_str() + at + name.size() + 2);
}

absl::StatusOr<Agreement> Arena::AwaitAgreement(std::uint64_t after_session) {
  absl::StatusOr<Agreement> agreement = absl::UnknownError("not asked");
  const auto agreed = WaitFor(
      [&] {
        agreement = Agree();
        return agreement.ok() && agreement->session > after_session;
      },
      kNever, "SC and SPU to agree");
  if (agreed) return agreement;
  return absl::DeadlineExceededError(
      absl::StrFormat("%s; last: %s", agreed.message(),
                      agreement.ok() ? absl::StrFormat("still session %d", agreement->session)
                                     : std::string(agreement.status().message())));
}

absl::Status Arena::AwaitLeaderOffline() const {
  return stage_->WaitForStatus(stage_->calm_partitions, sc::v1::PARTITION_STATUS_LEADER_OFFLINE,
                               false);
}

absl::Status Arena::AwaitDetached() {
  const auto detached = WaitFor([&] { return SpuGauge("tidemark_sc_attached") == 0; },
                                support::kLongWait, "the SPU to notice");
  return Expect(detached, detached.message());
}

absl::Status Arena::Pass(base::Duration time, bool spu_serves) {
  const base::MonotonicTime until = clock_.Now() + time;
  constexpr base::Duration kBetweenWrites = std::chrono::milliseconds(250);
  base::MonotonicTime written;
  absl::Status failure;
  const auto passed = WaitFor(
      [&] {
        if (spu_serves && clock_.Now() - written > kBetweenWrites) {
          failure.Update(stage_->ProveCalm());
          written = clock_.Now();
        }
        return clock_.Now() >= until || !failure.ok();
      },
      time + kNever, "time to pass");
  TM_RETURN_IF_ERROR(failure);
  return Expect(passed, passed.message());
}

absl::Status Arena::ReadAndTrim() {
  for (const auto& partitions : {stage_->full_partitions, stage_->calm_partitions}) {
    for (const std::uint64_t partition : partitions) {
      TM_ASSIGN_OR_RETURN(const story::ReadBack read,
                          stage_->ledger.ReadAll(stage_->agent(), partition));
      if (!stage_->calm_partitions.contains(partition)) continue;
      TM_RETURN_IF_ERROR(client::SpuClient(stage_->agent())
                             .Trim(partition, read.log_start + read.records)
                             .status());
    }
  }
  return Expect(stage_->ledger.unread() == 0,
                absl::StrFormat("%d acknowledged records are gone", stage_->ledger.unread()));
}

absl::Status Arena::Finish() {
  TM_RETURN_IF_ERROR(stage_->neighbour->Free());
  TM_RETURN_IF_ERROR(stage_->WaitForStatus(stage_->full_partitions, kOnline, true));
  return ReadAndTrim();
}

}  // namespace tidemark::network
