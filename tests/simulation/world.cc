#include "tests/simulation/world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "daemon/control/verdict_digest.h"
#include "monitor/verdict_codec.h"

namespace tidemark::simulation {
namespace {

namespace event = monitor::event;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Longer than the slowest settle time, back-off and half-open stream one after the other.
constexpr base::Duration kHealedWithin = seconds(240);

}  // namespace

World::World(const Plan& plan, Mutation mutation, Story story)
    : plan_(plan),
      story_(std::move(story)),
      scheduler_(plan.seed + 1),
      wire_(plan.seed + 2, scheduler_),
      spu_(plan.seed + 3, mutation, scheduler_, wire_, checker_),
      controller_(plan.seed + 4, mutation, spu_.uuids(), scheduler_, wire_, checker_) {
  wire_.Connect(controller_, spu_);
}

Outcome World::Run() {
  controller_.Boot();
  spu_.Boot();
  // Both volumes are provisioned before anything goes wrong.
  began_ = scheduler_.now() + seconds(1);
  for (const Fault& fault : plan_.faults) {
    scheduler_.At(began_ + fault.at, Owner::kWorld, [this, &fault] { Apply(fault); });
  }
  const base::MonotonicTime end = began_ + plan_.length;
  // Before the last faults: what they lose of it must be made good as well.
  if (plan_.ending != Ending::kAllServe) {
    scheduler_.At(end - seconds(2), Owner::kWorld, [this] { KeepBad(); });
  }
  while (checker_.ok() && scheduler_.Step(end)) Tell();
  if (checker_.ok()) Heal();

  outcome_.violations = checker_.violations();
  outcome_.events = scheduler_.events();
  outcome_.virtual_time = scheduler_.now() - began_;
  outcome_.spu_boots = spu_.boots();
  outcome_.controller_starts = controller_.starts();
  outcome_.messages_lost = wire_.lost();
  outcome_.messages_repeated = wire_.repeated();
  outcome_.messages_overtaken = wire_.overtaken();
  outcome_.seen = checker_.seen();
  outcome_.ending = plan_.ending;
  return outcome_;
}

void World::KeepBad() {
  SimVolume& volume = spu_.volume(plan_.ending_volume);
  if (StaysFull(plan_.ending_volume)) {
    volume.disk().ForeignTakes(volume.disk().TrueAvailable() - base::kMiB);
  }
  if (StaysHeld(plan_.ending_volume) && volume.running() &&
      !volume.policy().wanted_holds().operator_hold) {
    volume.Apply(event::OperatorHolds{"otto", "a new disk"});
  }
}

// Faults stop and the space is there, but where one volume stays as it is. Nobody is restarted who
// need not be: what was lost on the way must be made good by the protocol.
void World::Heal() {
  if (story_) story_("-- faults stop: " + DescribeEnding(plan_) + " --");
  healing_ = true;
  wire_.Calm();
  controller_.FailStoreUntil(scheduler_.now());
  controller_.HangStoreUntil(scheduler_.now());
  scheduler_.Pause(Owner::kSpu, scheduler_.now());
  scheduler_.Pause(Owner::kController, scheduler_.now());
  for (std::size_t i = 0; i < kVolumes; ++i) {
    SimFileSystem& disk = spu_.volume(i).disk();
    disk.ForgetFaults();
    disk.SetMood(StatvfsMood::kHonest);
    disk.LimitTo(std::nullopt);
    disk.FreeLate(false);
    disk.ReleaseLate();
    if (!StaysFull(i)) disk.ForeignGives(disk.foreign_bytes());
    disk.ForeignTakesInodes(-4096);
    spu_.volume(i).StealAtTaking(0);
    spu_.volume(i).HangReadingsUntil(scheduler_.now());
  }
  const base::MonotonicTime deadline = scheduler_.now() + kHealedWithin;
  base::MonotonicTime looked = scheduler_.now();
  std::string why = "nothing happened";
  while (checker_.ok() && scheduler_.Step(deadline)) {
    Tell();
    if (scheduler_.now() - looked < milliseconds(500)) continue;
    looked = scheduler_.now();
    why = Disagreement();
    if (why.empty()) return;
    DoAsExplained();
    KeepBad();
  }
  if (checker_.ok()) checker_.Fail("L1: " + why);
}

// What `volume explain` tells a person to do, and a service manager does anyway.
void World::DoAsExplained() {
  StartSpu();
  StartController();
  for (std::size_t i = 0; i < kVolumes; ++i) {
    SimVolume& volume = spu_.volume(i);
    if (!volume.running()) continue;
    if (volume.policy().wanted_holds().operator_hold && !StaysHeld(i)) {
      volume.Apply(event::OperatorReleases{"anna"});
    }
    // Restarted by whom it was told to.
    if (volume.policy().device_fault() && checker_.shown(i) == sc::v1::PARTITION_STATUS_FAILED) {
      spu_.Kill(false, true);
      spu_.Boot();
      return;
    }
  }
}

std::string World::Disagreement() {
  if (!spu_.running() || !controller_.running()) return "a process is down";
  for (std::size_t i = 0; i < kVolumes; ++i) {
    if (std::string why = DisagreementOn(i); !why.empty()) {
      return absl::StrFormat("volume %d %s", i, why);
    }
  }
  return spu_.link().synced() ? "" : "reports are not acknowledged";
}

std::string World::DisagreementOn(std::size_t index) {
  const SimVolume& volume = spu_.volume(index);
  if (!volume.running()) return "does not open";
  const bool serves = !StaysFull(index) && !StaysHeld(index);
  if (volume.accepting() != serves) {
    return absl::StrFormat("is %s: %s", serves ? "closed" : "open",
                           volume.policy().Explain(scheduler_.now()).summary);
  }
  const monitor::VerdictRecord& durable = volume.policy().durable();
  // Nothing else holds it, and nothing that is not durable.
  const monitor::HoldSet holds = volume.policy().HoldsNow();
  const bool as_it_is = holds == durable.holds && holds.space.has_value() == StaysFull(index) &&
                        holds.operator_hold.has_value() == StaysHeld(index) && !holds.blind &&
                        !holds.device;
  if (!as_it_is) {
    return absl::StrFormat("has %s, durable %s", monitor::DescribeHolds(holds),
                           monitor::DescribeHolds(durable.holds));
  }
  if (durable.marks != volume.configured_marks()) return "has other marks than configured";
  const sc::VolumeState* shown = controller_.volume(index);
  if (shown == nullptr) return "is unknown to the controller";
  const sc::v1::Report& accepted = shown->record.accepted;
  if (accepted.generation() != durable.generation.value()) {
    return absl::StrFormat("has generation %d at the controller, %d at the SPU",
                           accepted.generation(), durable.generation.value());
  }
  const auto truth = volume.Truth();
  if (EssenceOf(accepted) != EssenceOf(durable) || !truth ||
      daemon::VerdictDigest(accepted) !=
          daemon::VerdictDigest(spu::ReportOf(*truth, scheduler_.now()))) {
    return absl::StrFormat("is at the controller %s; at the SPU %s", Describe(EssenceOf(accepted)),
                           Describe(EssenceOf(durable)));
  }
  const auto status = StaysFull(index)   ? sc::v1::PARTITION_STATUS_OUT_OF_SPACE
                      : StaysHeld(index) ? sc::v1::PARTITION_STATUS_OFFLINE
                                         : sc::v1::PARTITION_STATUS_ONLINE;
  if (checker_.shown(index) != status || shown->reach != sc::v1::REACH_UP) {
    return absl::StrFormat("is shown as %s, %s (%s)",
                           sc::v1::PartitionStatus_Name(checker_.shown(index)),
                           sc::v1::Reach_Name(shown->reach), shown->reach_reason);
  }
  return "";
}

void World::Tell() {
  if (!story_) return;
  for (std::size_t i = 0; i < kVolumes; ++i) {
    const SimVolume& volume = spu_.volume(i);
    std::string now = absl::StrFormat(
        "volume %d: %s, shown %s at generation %d", i,
        volume.running() ? absl::StrFormat("generation %d, %s, gate %s",
                                           volume.policy().durable().generation.value(),
                                           monitor::DescribeHolds(volume.policy().HoldsNow()),
                                           volume.accepting() ? "open" : "closed")
                         : "down",
        sc::v1::PartitionStatus_Name(checker_.shown(i)), checker_.shown_generation(i));
    if (now == told_[i]) continue;
    told_[i] = now;
    story_(absl::StrFormat("%9.3f s    %s",
                           std::chrono::duration<double>(scheduler_.now() - began_).count(), now));
  }
}

}  // namespace tidemark::simulation
