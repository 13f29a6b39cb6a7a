// What one who sees a volume's readings, its allocations and its room, and nothing of the policy,
// demands of it: when the gate must be closed, and what has to have happened before an episode may
// end. It judges by what the disk said, not by what a proof says of itself.
//
// Lifetime:  value type, holds no references.
// Threading: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "monitor/space_action.h"
#include "monitor/space_event.h"

namespace tidemark::simulation {

class ProofWatch {
 public:
  void Boot(const monitor::BootState& boot);
  // In their order, before the policy is told.
  void Told(const monitor::SpaceEvent& event, base::MonotonicTime now);
  // Why the gate must be closed after this event; "" if nothing in it says so.
  std::string WhyClosed(const monitor::SpaceEvent& event) const;
  // The working room is asked for; "" or what is wrong with that. `steps_missing`: of partitions
  // that had one.
  std::string RoomAsked(const monitor::action::TakeRoom& room, std::int64_t steps_missing,
                        std::optional<std::int64_t> left_by_quota);
  void IsOver() { met_quota_ = met_quota_ && knows_nothing_; }
  // Its verdict is another now than it was: what it met is known again by the controller's word.
  void StateWasLost() { knows_nothing_ = true; }
  // A record with an episode in it has become durable: only what is read from now on counts.
  void EpisodeIsDurable() { Forget(); }
  // A record without the episode is about to be written; "" or what is missing.
  std::string WhyNotOver(const monitor::VerdictRecord& record,
                         std::optional<std::int64_t> left_by_quota) const;
  // What the policy says of its sight, after each event; "" or why it cannot say so.
  std::string SaysBlind(bool blind);
  // The same for what a person has lifted, against what is durable.
  std::string WhyNotLifted(const monitor::HoldSet& durable, const monitor::HoldSet& now) const;

 private:
  struct Seen {
    base::MonotonicTime started;
    std::int64_t bytes = 0;
  };

  void Forget();
  void Read(const monitor::SpaceReading& reading);
  bool IsFull(const monitor::SpaceReading& reading) const;

  monitor::Marks marks_;
  std::optional<monitor::VolumeIdentity> identity_;
  std::optional<monitor::SpaceReading> newest_;
  std::vector<Seen> streak_;  // in a row, each enough
  bool settled_ = false;      // when the room was asked for
  bool limited_ = false;      // by a quota, then already
  // An allocation met the quota since the last episode was over, and a durable hold says so.
  bool met_quota_ = false;
  bool knows_nothing_ = false;
  bool failed_since_ = false;
  std::optional<base::MonotonicTime> room_taken_;
  std::vector<std::int64_t> after_;  // bytes of those that were enough, with the room taken
  int good_readings_ = 0;            // in a row
  bool blind_ = false;               // as the policy said last
  bool released_ = false;            // by a person, after the last hold
};

}  // namespace tidemark::simulation
