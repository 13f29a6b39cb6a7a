// The promise, written down a second time: what may be shown, written and told, whatever happens.
//
// It shares no rule with the code it watches: it knows the bytes on the simulated disks, the
// records that became durable and the messages that went out, and holds against them what the
// controller shows and what the SPU admits. P1 to P9 are those of the protocol.
//
// Lifetime:  value type, holds no references.
// Threading: one thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "monitor/verdict_record.h"
#include "sc/core/status_of.h"
#include "tests/simulation/proof_watch.h"
#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::simulation {

inline constexpr std::size_t kVolumes = 2;

// What makes one verdict different from another.
struct Essence {
  std::uint64_t generation = 0;
  std::uint64_t episodes = 0;
  std::uint64_t open_episode = 0;  // 0: no space hold
  bool blind = false;
  bool held_by_operator = false;
  bool device = false;
  std::int64_t resume_bytes = 0;
  std::int64_t reserve_bytes = 0;
  std::uint64_t proof_episode = 0;
  std::int64_t proof_bytes_after = 0;
  std::int64_t proof_reserve_bytes = 0;
  std::int64_t proof_readings = 0;
  std::int64_t proof_resume_bytes = 0;
  std::int64_t proof_marks_reserve_bytes = 0;

  bool ready() const { return open_episode == 0 && !blind && !held_by_operator && !device; }
  // Space was never short, or came back with numbers that hold, by the proof's own marks: newer
  // ones do not call for another proof while nothing is held.
  bool honest() const;
  // The first record without the hold of this episode: its proof, or that of a later one, holds by
  // the newest marks, which are the record's.
  bool ends(std::uint64_t open_episode) const;
  auto operator<=>(const Essence&) const = default;
};

Essence EssenceOf(const monitor::VerdictRecord& record);
Essence EssenceOf(const sc::v1::Report& report);
std::string Describe(const Essence& essence);

class Checker {
 public:
  void Fail(std::string what);
  const std::vector<std::string>& violations() const { return violations_; }
  bool ok() const { return violations_.empty(); }
  // What was there to look at: a run without any of it proves nothing.
  struct Seen {
    std::uint64_t episodes_ended = 0;
    std::uint64_t gates_opened = 0;
    std::uint64_t writes_admitted = 0;
    std::uint64_t online_shown = 0;
    std::uint64_t out_of_space_shown = 0;
  };
  const Seen& seen() const { return seen_; }

  // The SPU's disk. `held`: the reserve is there, in blocks, at this moment, or was when the SPU
  // last looked. `robbed`: so it was when the record was decided.
  struct Room {
    bool held = false;
    bool robbed = false;
  };
  // It may become durable from now on, whatever the call says; else only with BecameDurable().
  void HandedToDisk(std::size_t volume, const monitor::VerdictRecord& record, Room room);
  void BecameDurable(std::size_t volume, const monitor::VerdictRecord& record, Room room);
  // What a boot is given; nullopt: nothing that can be read.
  void FoundAtBoot(std::size_t volume, const std::optional<monitor::VerdictRecord>& record);
  // Slots were torn, wiped or put back while the SPU was down.
  void StateWasLost(std::size_t volume) {
    volumes_[volume].durable.reset();
    volumes_[volume].served = false;
    volumes_[volume].watch.StateWasLost();
  }

  // What the policy is told and what it asks for, against what the disk said.
  void Boots(std::size_t volume, const monitor::BootState& boot) {
    volumes_[volume].watch.Boot(boot);
  }
  void Told(std::size_t volume, const monitor::SpaceEvent& event, base::MonotonicTime now) {
    volumes_[volume].watch.Told(event, now);
  }
  void Handled(std::size_t volume, const monitor::SpaceEvent& event, bool says_blind);
  void Decides(std::size_t volume, const monitor::VerdictRecord& durable,
               const monitor::VerdictRecord& now, std::optional<std::int64_t> left_by_quota);
  void RoomAsked(std::size_t volume, const monitor::action::TakeRoom& room,
                 std::int64_t steps_missing, std::optional<std::int64_t> left_by_quota);

  // The SPU's gate.
  void GateOpened(std::size_t volume, bool room_held);
  void GateClosed(std::size_t volume) { volumes_[volume].open = false; }
  void Admitted(std::size_t volume, bool has_its_blocks);
  void ReadBelowFull(std::size_t volume) { volumes_[volume].had_reason = true; }
  // Something else than a mere reading that may begin an episode.
  void HasReasonToHold(std::size_t volume) { volumes_[volume].had_reason = true; }

  // The wire.
  void ReportSent(std::uint64_t session, std::size_t volume, std::uint64_t generation) {
    sent_.insert({session, volume, generation});
  }
  void TakenSent(std::uint64_t session, std::uint64_t partition) {
    taken_.insert({session, partition});
  }
  void NewSpuProcess();

  // The controller's screen. `session`: the live one, 0 if there is none.
  void Shown(std::size_t volume, const sc::v1::Report& accepted, sc::v1::PartitionStatus status,
             std::uint64_t session);
  // Of a partition: only what the SPU said of it in this session makes it Online.
  void PartitionShown(std::uint64_t partition, sc::v1::PartitionStatus status,
                      std::uint64_t session);
  sc::v1::PartitionStatus shown(std::size_t volume) const { return volumes_[volume].status; }
  std::uint64_t shown_generation(std::size_t volume) const {
    return volumes_[volume].published.generation;
  }

 private:
  struct Volume {
    // Everything that was ever durable, with or without its room.
    std::map<Essence, bool> ever;
    std::optional<Essence> durable;  // now; none where nobody may know
    std::map<Essence, Room> handed;  // after that one, and not known to be durable
    bool open = false;
    bool had_reason = true;  // to hold again, since the gate was opened
    ProofWatch watch;
    std::string owes;  // an episode, and why
    bool served = false;
    // The controller's.
    Essence published;
    sc::v1::PartitionStatus status = sc::v1::PARTITION_STATUS_UNSPECIFIED;
  };

  void BecomesDurable(std::size_t volume, const Essence& now, Room room);
  void LookAtRecord(std::size_t volume, const Essence& now);

  std::array<Volume, kVolumes> volumes_;
  std::set<std::tuple<std::uint64_t, std::size_t, std::uint64_t>> sent_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> taken_;  // session, partition
  std::vector<std::string> violations_;
  Seen seen_;
};

}  // namespace tidemark::simulation
