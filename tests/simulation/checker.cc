#include "tests/simulation/checker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark::simulation {
namespace {

constexpr std::size_t kViolationsKept = 5;
constexpr std::int64_t kReadingsOfAProof = 3;

bool Names(const space::v1::Holds& holds, space::v1::HoldKind kind) {
  return std::find(holds.held().begin(), holds.held().end(), kind) != holds.held().end();
}

bool IsSpecial(sc::v1::PartitionStatus status) {
  return status == sc::v1::PARTITION_STATUS_OUT_OF_SPACE ||
         status == sc::v1::PARTITION_STATUS_FAILED;
}

// What a hold in the record has to follow; the others are told by their own.
bool BeginsAnEpisode(const monitor::SpaceEvent& event) {
  return std::holds_alternative<monitor::event::ReadingArrived>(event) ||
         std::holds_alternative<monitor::event::NoStepFits>(event) ||
         std::holds_alternative<monitor::event::AllocationFailed>(event) ||
         std::holds_alternative<monitor::event::ReserveLost>(event);
}

}  // namespace

bool Essence::honest() const {
  if (open_episode != 0 || episodes == 0) return true;
  return proof_episode == episodes && proof_readings >= kReadingsOfAProof &&
         proof_bytes_after >= proof_resume_bytes && proof_resume_bytes > 0 &&
         proof_reserve_bytes >= proof_marks_reserve_bytes && proof_marks_reserve_bytes > 0;
}

bool Essence::ends(std::uint64_t open) const {
  return open_episode == 0 && honest() && proof_episode >= open &&
         proof_bytes_after >= resume_bytes && resume_bytes > 0 &&
         proof_reserve_bytes >= reserve_bytes && reserve_bytes > 0;
}

Essence EssenceOf(const monitor::VerdictRecord& record) {
  Essence e;
  e.generation = record.generation.value();
  e.episodes = record.episode.value();
  if (record.holds.space) e.open_episode = record.holds.space->episode.value();
  e.blind = record.holds.blind.has_value();
  e.held_by_operator = record.holds.operator_hold.has_value();
  e.device = record.holds.device.has_value();
  e.resume_bytes = record.marks.resume_bytes;
  e.reserve_bytes = record.marks.reserve_bytes;
  if (record.last_proof) {
    e.proof_episode = record.last_proof->episode.value();
    e.proof_bytes_after = record.last_proof->bytes_after;
    e.proof_reserve_bytes = record.last_proof->reserve_bytes;
    e.proof_readings = record.last_proof->readings;
    e.proof_resume_bytes = record.last_proof->marks.resume_bytes;
    e.proof_marks_reserve_bytes = record.last_proof->marks.reserve_bytes;
  }
  return e;
}

Essence EssenceOf(const sc::v1::Report& report) {
  Essence e;
  e.generation = report.generation();
  e.episodes = report.episodes();
  e.open_episode = report.holds().space().episode();
  e.blind = Names(report.holds(), space::v1::HOLD_KIND_BLIND);
  e.held_by_operator = Names(report.holds(), space::v1::HOLD_KIND_OPERATOR);
  e.device = Names(report.holds(), space::v1::HOLD_KIND_DEVICE);
  e.resume_bytes = report.marks().resume_bytes();
  e.reserve_bytes = report.marks().reserve_bytes();
  if (report.has_proof()) {
    e.proof_episode = report.proof().episode();
    e.proof_bytes_after = report.proof().bytes_after();
    e.proof_reserve_bytes = report.proof().reserve_bytes();
    e.proof_readings = report.proof().readings();
    e.proof_resume_bytes = report.proof().marks().resume_bytes();
    e.proof_marks_reserve_bytes = report.proof().marks().reserve_bytes();
  }
  return e;
}

std::string Describe(const Essence& e) {
  return absl::StrFormat(
      "generation %d, episodes %d, open %d, blind %d, operator %d, device %d, resume %d, reserve "
      "%d, proof of %d (%d readings, %d bytes after, reserve %d, for resume %d, reserve %d)",
      e.generation, e.episodes, e.open_episode, e.blind, e.held_by_operator, e.device,
      e.resume_bytes, e.reserve_bytes, e.proof_episode, e.proof_readings, e.proof_bytes_after,
      e.proof_reserve_bytes, e.proof_resume_bytes, e.proof_marks_reserve_bytes);
}

void Checker::Fail(std::string what) {
  if (violations_.size() < kViolationsKept) violations_.push_back(std::move(what));
}

void Checker::HandedToDisk(std::size_t volume, const monitor::VerdictRecord& record, Room room) {
  volumes_[volume].handed.insert_or_assign(EssenceOf(record), room);
}

void Checker::BecameDurable(std::size_t volume, const monitor::VerdictRecord& record, Room room) {
  BecomesDurable(volume, EssenceOf(record), room);
}

void Checker::BecomesDurable(std::size_t volume, const Essence& now, Room room) {
  Volume& v = volumes_[volume];
  if (v.durable) {
    const Essence& before = *v.durable;
    if (now.generation <= before.generation) {
      Fail(absl::StrFormat("P5: volume %d: generation %d written after %d", volume, now.generation,
                           before.generation));
    }
    if (before.open_episode != 0 && now.open_episode == 0 && !now.ends(before.open_episode)) {
      Fail(absl::StrFormat("P3: volume %d: episode %d ended without its proof: %s", volume,
                           before.open_episode, Describe(now)));
    }
    if (before.open_episode != 0 && now.open_episode == 0) ++seen_.episodes_ended;
    if (before.open_episode == 0 && now.open_episode != 0 && !v.had_reason) {
      Fail(absl::StrFormat("P7: volume %d flaps: %s, and nothing was written or read since", volume,
                           Describe(now)));
    }
  }
  if (now.open_episode != 0 && v.open) {
    Fail(absl::StrFormat("P1: volume %d: held durably with an open gate", volume));
  }
  // Generation 0 is how format leaves it: never told, and no gate opens over it.
  if (now.ready() && now.generation > 0 && !room.held && !room.robbed) {
    Fail(absl::StrFormat("P1: volume %d: 'no holds' became durable without the room: %s", volume,
                         Describe(now)));
  }
  const bool begins = now.open_episode != 0 && (!v.durable || v.durable->open_episode == 0);
  if (begins) v.watch.EpisodeIsDurable();
  bool& with_room = v.ever[now];
  with_room = with_room || room.held;
  v.durable = now;
  v.handed.clear();
}

void Checker::FoundAtBoot(std::size_t volume, const std::optional<monitor::VerdictRecord>& record) {
  Volume& v = volumes_[volume];
  if (!record) {
    if (v.durable) {
      Fail(absl::StrFormat("P5: volume %d: nothing is found, but this was durable: %s", volume,
                           Describe(*v.durable)));
    }
    // What was handed stays: the torn block over it may never have reached the disk, and a power
    // cut then brings it back.
    return;
  }
  const Essence now = EssenceOf(*record);
  if (v.durable == now) {
    v.handed.clear();
    return;
  }
  if (v.durable && now.generation <= v.durable->generation) {
    Fail(absl::StrFormat("P5: volume %d: a verdict that was durable is forgotten: %s; found: %s",
                         volume, Describe(*v.durable), Describe(now)));
  }
  // One that became durable in the very call in which the process died, or that failed.
  if (const auto handed = v.handed.find(now); handed != v.handed.end()) {
    BecomesDurable(volume, now, Room(handed->second));
    return;
  }
  if (v.durable || !v.ever.contains(now)) {
    Fail(absl::StrFormat("P5: volume %d: found what was not written: %s", volume, Describe(now)));
  }
  v.durable = now;
  v.handed.clear();
}

void Checker::Handled(std::size_t volume, const monitor::SpaceEvent& event, bool says_blind) {
  Volume& v = volumes_[volume];
  if (const std::string wrong = v.watch.SaysBlind(says_blind); !wrong.empty()) {
    Fail(absl::StrFormat("P1: volume %d %s", volume, wrong));
  }
  const std::string why = v.watch.WhyClosed(event);
  if (why.empty()) return;
  if (v.open) Fail(absl::StrFormat("P1: volume %d is open: %s", volume, why));
  // Of a volume that has never served nobody was told anything: it may just go on trying.
  if (v.served && BeginsAnEpisode(event)) v.owes = why;
}

void Checker::RoomAsked(std::size_t volume, const monitor::action::TakeRoom& room,
                        std::int64_t steps_missing, std::optional<std::int64_t> left_by_quota) {
  Volume& v = volumes_[volume];
  const std::string wrong = v.watch.RoomAsked(room, steps_missing, left_by_quota);
  if (!wrong.empty() && v.durable && v.durable->open_episode != 0) {
    Fail(absl::StrFormat("P3: volume %d %s", volume, wrong));
  }
}

void Checker::Decides(std::size_t volume, const monitor::VerdictRecord& durable,
                      const monitor::VerdictRecord& now,
                      std::optional<std::int64_t> left_by_quota) {
  Volume& v = volumes_[volume];
  if (const std::string why = v.watch.WhyNotLifted(durable.holds, now.holds); !why.empty()) {
    Fail(absl::StrFormat("P1: volume %d: %s", volume, why));
  }
  if (!durable.holds.space || now.holds.space) return;
  if (const std::string why = v.watch.WhyNotOver(now, left_by_quota); !why.empty()) {
    Fail(absl::StrFormat("P3: volume %d: episode %d is not over: %s", volume,
                         durable.holds.space->episode.value(), why));
  }
  v.owes.clear();
  v.watch.IsOver();
}

void Checker::GateOpened(std::size_t volume, bool room_held) {
  Volume& v = volumes_[volume];
  v.open = v.served = true;
  if (!v.owes.empty()) {
    Fail(absl::StrFormat("P1: volume %d opened, and no episode since: %s", volume, v.owes));
  }
  ++seen_.gates_opened;
  v.had_reason = false;
  if (!room_held) Fail(absl::StrFormat("P6: volume %d opened without its reserve", volume));
  if (v.durable && !v.durable->ready()) {
    Fail(absl::StrFormat("P1: volume %d opened over a durable hold: %s", volume,
                         Describe(*v.durable)));
  }
  // A copy put back may be of a verdict whose room was gone as it became durable: who opens over
  // it has looked for the room, and found it.
  if (v.durable && room_held) v.ever[*v.durable] = true;
}

void Checker::Admitted(std::size_t volume, bool has_its_blocks) {
  Volume& v = volumes_[volume];
  v.had_reason = true;
  ++seen_.writes_admitted;
  if (!v.open) Fail(absl::StrFormat("P1: volume %d admitted a write behind a closed gate", volume));
  if (!has_its_blocks) {
    Fail(absl::StrFormat("P6: volume %d admitted a write that has no blocks", volume));
  }
}

void Checker::NewSpuProcess() {
  for (Volume& volume : volumes_) {
    volume.open = false;
    volume.had_reason = true;
    volume.owes.clear();
  }
}

void Checker::LookAtRecord(std::size_t volume, const Essence& now) {
  Volume& v = volumes_[volume];
  const Essence& before = v.published;
  if (now == before) return;
  if (now.generation == 0) {
    Fail(absl::StrFormat("P5: volume %d: a published verdict is forgotten", volume));
    return;
  }
  if (now.generation < before.generation) {
    Fail(absl::StrFormat("P5: volume %d: generation %d was published, now %d", volume,
                         before.generation, now.generation));
  }
  if (now.generation == before.generation) {
    Fail(absl::StrFormat("P5: volume %d: generation %d has two contents", volume, now.generation));
  }
  if (!v.ever.contains(now)) {
    Fail(absl::StrFormat("P2: volume %d: shown but never durable at the SPU: %s", volume,
                         Describe(now)));
  }
  if (!now.honest()) {
    Fail(absl::StrFormat("P3: volume %d: no space hold and no proof: %s", volume, Describe(now)));
  }
  // While the SPU was cut off an episode may have come and gone.
  const bool passed = now.episodes > before.episodes;
  if ((before.open_episode != 0 || passed) && now.open_episode == 0 &&
      !now.ends(before.open_episode)) {
    Fail(absl::StrFormat("P3: volume %d: episode %d left without its proof: %s", volume,
                         std::max(before.open_episode, now.episodes), Describe(now)));
  }
  v.published = now;
}

void Checker::Shown(std::size_t volume, const sc::v1::Report& accepted,
                    sc::v1::PartitionStatus status, std::uint64_t session) {
  Volume& v = volumes_[volume];
  const Essence now = EssenceOf(accepted);
  const Essence before = v.published;
  LookAtRecord(volume, now);
  if (now.open_episode != 0 && !IsSpecial(status)) {
    Fail(absl::StrFormat("P4: volume %d: episode %d is shown as %s", volume, now.open_episode,
                         sc::v1::PartitionStatus_Name(status)));
  }
  if (v.status == sc::v1::PARTITION_STATUS_OUT_OF_SPACE && !IsSpecial(status) &&
      now.generation <= before.generation) {
    Fail(absl::StrFormat("P3: volume %d: OutOfSpace of generation %d left at generation %d", volume,
                         before.generation, now.generation));
  }
  if (status == sc::v1::PARTITION_STATUS_ONLINE) {
    const auto durable = v.ever.find(now);
    if (durable == v.ever.end() || !durable->second) {
      Fail(absl::StrFormat("P1: volume %d is Online, but its room was not held: %s", volume,
                           Describe(now)));
    }
    if (!now.ready() || accepted.device_faults_size() > 0) {
      Fail(absl::StrFormat("P1: volume %d is Online while held: %s", volume, Describe(now)));
    }
    if (!sent_.contains({session, volume, now.generation})) {
      Fail(absl::StrFormat("P1: volume %d is Online, but generation %d was not said in session %d",
                           volume, now.generation, session));
    }
  }
  if (status != v.status) {
    seen_.online_shown += status == sc::v1::PARTITION_STATUS_ONLINE ? 1U : 0U;
    seen_.out_of_space_shown += status == sc::v1::PARTITION_STATUS_OUT_OF_SPACE ? 1U : 0U;
  }
  v.status = status;
}

void Checker::PartitionShown(std::uint64_t partition, sc::v1::PartitionStatus status,
                             std::uint64_t session) {
  if (status != sc::v1::PARTITION_STATUS_ONLINE) return;
  if (taken_.contains({session, partition})) return;
  Fail(absl::StrFormat("P1: partition %d is Online, but was not taken in session %d", partition,
                       session));
}

}  // namespace tidemark::simulation
