// Decides whether one volume may be written: events in, actions out, time as an argument.
//
// Owns the verdict (durable record, holds that are wanted, device fault of this boot), the write
// budget, the polling schedule and the proof. Rules, in the order of actions it gives:
//   stop:     close the gate → persist the hold → report
//   go on:    hold the working room → persist without the hold → open the gate → report
// The gate is open only while no hold is wanted or durable, room is held and the lease runs.
// The table of holds × events is in hold_effects.h, the picture in monitor/README.md.
//
// The driver: give each event to Handle(), do the actions in their order, call Handle(Tick) when
// NextWake() has come, and ask Request() before every allocation. A refusal by bytes or inodes goes
// to Handle(NoStepFits): either a space hold follows, or the next reading decides and one asks
// again.
//
// Lifetime:  value type, holds no references; one per volume and boot.
// Threading: confined to the owner's loop.
// Errors:    none; what a caller does wrong (an answer nobody waits for) is ignored.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "monitor/explanation.h"
#include "monitor/poll_schedule.h"
#include "monitor/proof_attempt.h"
#include "monitor/space_action.h"
#include "monitor/space_event.h"
#include "monitor/verdict_record.h"
#include "monitor/write_budget.h"

namespace tidemark::monitor {

struct PolicyOptions {
  base::Duration reading_deadline = std::chrono::seconds(1);
  base::Duration settle = std::chrono::seconds(2);
  base::Duration settle_max = std::chrono::seconds(60);
  // An episode this soon after the last one doubles the settle time; each such stretch without an
  // episode halves it again.
  base::Duration flap_window = std::chrono::minutes(5);
  base::Duration held_interval_max = std::chrono::milliseconds(500);  // polling while held
  base::Duration persist_backoff_min = std::chrono::milliseconds(100);
  base::Duration persist_backoff_max = std::chrono::seconds(5);
  // After a reclaim that came to nothing: the longest. One that freed something is followed by the
  // next as soon as a reading asks for it.
  base::Duration reclaim_pause = std::chrono::seconds(5);
};

class SpacePolicy {
 public:
  SpacePolicy(const PolicyOptions& options, const BootState& boot, Instant at);

  // The first actions; call once, before any Handle(). A hold in the record is in force at once,
  // before the first reading: the gate is closed from the start.
  SpaceActions Start(Instant at);
  SpaceActions Handle(const SpaceEvent& event, Instant at);
  // When Handle(Tick) is due at the latest. May move with every Handle().
  base::MonotonicTime NextWake() const;

  // The ledger, see write_budget.h.
  WriteBudget::Answer Request(std::int64_t bytes, std::int64_t inodes, base::MonotonicTime now) {
    return budget_.Request(bytes, inodes, now);
  }
  // The newest reading shows no Low, but what was granted since makes it so: who asked shall tell
  // PollNow. A volume at rest is looked at every 5 s, and may be Full by then.
  bool LowUnseen() const;
  void Complete(GrantId grant, base::MonotonicTime now) { budget_.Complete(grant, now); }
  void Abandon(GrantId grant) { budget_.Abandon(grant); }

  // The newest number given to a record: what is decided from now on is durable in a later one …
  base::Generation newest_generation() const { return generation_floor_; }
  // … or is durable already: nothing is being written, and nothing is left to be.
  bool settled() const { return !writing_ && wanted_.SameVerdict(durable_); }

  bool gate_open() const { return gate_open_; }
  // Of the reserve, that have to be there: what was last seen of it, also while a proof that has
  // just taken it is still looking on.
  std::int64_t reserve_expected_bytes() const {
    return std::min(reserve_held_bytes_, wanted_.marks.reserve_bytes);
  }
  // How long the gate has been closed though the durable record says that nothing is held: what is
  // wanted instead does not become durable. A few milliseconds with every hold; longer only where
  // the disk hangs.
  base::Duration unvouched_for(base::MonotonicTime now) const {
    return unvouched_since_ ? now - *unvouched_since_ : base::Duration(0);
  }
  const VerdictRecord& durable() const { return durable_; }
  const HoldSet& wanted_holds() const { return wanted_.holds; }
  const std::optional<DeviceHold>& device_fault() const { return device_fault_; }
  // Everything that holds the volume now: what is wanted, and the device fault. For people.
  HoldSet HoldsNow() const;
  const Marks& marks() const { return wanted_.marks; }
  // Always from durable state; for sending again what was not acknowledged.
  action::Report CurrentReport() const { return {durable_, device_fault_}; }
  // False: nothing to report yet (fresh from format, not provisioned).
  bool has_report() const { return durable_.generation.value() > 0 || device_fault_.has_value(); }
  Explanation Explain(base::MonotonicTime now) const;
  // Fresh from format and never yet opened: why, in a sentence with the bytes it needs. Empty: it
  // has held its room once, and whatever holds it now is told by its holds.
  std::string FirstStartWaits() const;
  // What that room lacks, if a look has shown it; else nullptr.
  const ProofFailure* first_start_shortage() const;

 private:
  // One per event (space_policy_events.cc; readings: space_policy_readings.cc; Explain():
  // space_policy_explain.cc).
  void On(const event::ReadingArrived& e);
  void On(const event::Tick& e);
  void On(const event::AllocationFailed& e);
  void On(const event::NoStepFits& e);
  void On(const event::DeviceFailed& e);
  void On(const event::ReserveLost& e);
  void On(const event::MarksChanged& e);
  void On(const event::OperatorHolds& e);
  void On(const event::OperatorReleases& e);
  void On(const event::Persisted& e);
  void On(const event::PersistFailed& e);
  void On(const event::RoomVerified& e);
  void On(const event::RoomTaken& e);
  void On(const event::RoomRefused& e);
  void On(const event::StepsMissing& e);
  void On(const event::SpaceFreed& e);
  void On(const event::ReclaimEnded& e);
  void On(const event::PollNow& e);
  void On(const event::KnownElsewhere& e);
  void On(const event::ProofRefused& e);

  // What an event sets.
  void RaiseSpace(SpaceCause cause, bool unproven, const std::string& why);
  void RaiseDevice(DeviceCause cause, std::string detail);
  void BeginEpisode();
  void LiftSpace();
  // The proof was about to be written, and is void now.
  void ReopenEpisode();
  bool ProofIsBeingWritten() const;

  // Readings.
  void AcceptReading(SpaceReading reading);
  void CountBelowZero(SpaceReading& reading);
  void RejectReading(const ReadingFault& fault);
  void CheckSpace(const SpaceReading& reading);
  void CheckFirstStart();
  void CheckDeadline();
  void CheckLease();
  // What more has to become available; nullopt: nothing is to be reclaimed.
  std::optional<std::int64_t> WantedOfReclaim(const SpaceReading& reading) const;
  std::int64_t ReclaimAhead(const SpaceReading& reading) const;
  void ConsiderReclaim(const SpaceReading& reading);
  base::Duration PollInterval() const;
  // From the asking on. A sync that goes before the reading has its own time, by what it took.
  base::Duration ReadingDeadline() const { return options_.reading_deadline + sync_allowance_; }
  // Three intervals, each with its sync, and the time that the last of them may take to answer.
  base::Duration LeaseOfReading() const {
    return 3 * (PollInterval() + sync_allowance_) + options_.reading_deadline;
  }
  void PollSoon() { next_poll_ = at_.now; }

  // After every event: the following, in their order.
  void Settle();
  void AdvanceProof();
  void FollowProof(ProofAttempt::Want want);
  std::int64_t TrialBytes() const;
  void SyncGate();     // closes
  void SyncRecord();   // persists
  void SyncOpening();  // opens, reports
  void SyncPolling();
  void SyncVouching();

  bool held() const { return device_fault_.has_value() || !wanted_.holds.empty(); }
  bool ProofIsDue() const;
  bool MayPersistWanted() const;
  bool SpaceIsEnough() const;
  std::string Summary() const;

  PolicyOptions options_;
  Instant at_;  // of the event being handled
  SpaceActions actions_;

  VerdictRecord durable_;
  VerdictRecord wanted_;               // its generation is not used
  base::Generation generation_floor_;  // newest number ever given away
  base::Generation known_elsewhere_;   // what the SC showed above ours; 0: nothing
  std::optional<VerdictRecord> writing_;
  base::MonotonicTime persist_next_;
  base::Duration persist_backoff_{0};
  bool report_due_ = false;
  bool device_report_due_ = false;
  std::optional<DeviceHold> device_fault_;
  bool gate_open_ = false;

  bool provisioning_ = false;  // fresh: never yet held its room
  bool room_known_ = false;    // VerifyRoom was answered
  bool room_held_ = false;
  std::int64_t reserve_held_bytes_ = 0;
  std::int64_t steps_missing_ = 0;
  std::int64_t steps_taken_ = 0;  // in this episode, and kept
  std::int64_t steps_taken_bytes_ = 0;

  WriteBudget budget_;
  PollSchedule schedule_;
  std::optional<VolumeIdentity> identity_;
  std::optional<SpaceReading> reading_;
  std::int64_t root_only_bytes_ = 0;  // when there was something for others; 0 if never seen
  std::optional<ReadingFault> fault_;
  base::Duration sync_allowance_{0};
  std::optional<base::MonotonicTime> poll_began_;
  base::MonotonicTime next_poll_;
  std::optional<base::MonotonicTime> unvouched_since_;
  base::MonotonicTime lease_until_;
  base::MonotonicTime blind_since_;
  std::int32_t readings_since_blind_ = 0;

  ProofAttempt proof_;
  std::optional<GrantId> room_grant_;
  base::MonotonicTime room_answered_;  // the last that was asked for
  base::Duration settle_;
  std::optional<base::MonotonicTime> last_episode_ended_;
  std::string began_;  // of the newest episode: with what evidence
  std::optional<OperatorRelease> released_;
  // When the episode began, or the first after a start.
  std::optional<SpaceReading> before_;
  std::int64_t freed_by_us_bytes_ = 0;
  std::int64_t gain_bytes_ = 0;

  bool reclaim_running_ = false;
  base::MonotonicTime reclaim_next_;
  base::Duration reclaim_backoff_{0};
  // The last one that is of interest still, and the reading that it ended with.
  std::optional<event::ReclaimEnded> reclaim_ended_;
  std::optional<SpaceReading> reclaim_reading_;
  bool shortage_unseen_ = false;  // an allocation failed that by the reading should not have
};

}  // namespace tidemark::monitor
