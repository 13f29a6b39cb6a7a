// Every other event, one function each.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "monitor/space_level.h"
#include "monitor/space_policy.h"

namespace tidemark::monitor {
namespace {

using base::FormatByteSize;

std::string WhyNoRoom(const event::RoomVerified& e, std::int64_t reserve_bytes) {
  std::string why =
      e.reserve_bytes < reserve_bytes
          ? absl::StrFormat("at the start a reserve of %s was held, %s configured",
                            FormatByteSize(e.reserve_bytes), FormatByteSize(reserve_bytes))
          : std::string("at the start the working room was not whole");
  return e.detail.empty() ? why : why + ": " + e.detail;
}

}  // namespace

void SpacePolicy::On(const event::Tick&) {}

void SpacePolicy::On(const event::AllocationFailed& e) {
  proof_.OnSpaceError();
  // ENOSPC does not say of what; the newest reading may.
  const bool no_inodes = reading_ && LevelByInodes(*reading_, wanted_.marks) == SpaceLevel::kFull;
  const bool no_bytes = reading_ && LevelByBytes(*reading_, wanted_.marks) == SpaceLevel::kFull;
  const bool begins = !wanted_.holds.space;
  RaiseSpace(no_inodes && e.cause == SpaceCause::kBytes ? SpaceCause::kInodes : e.cause, false,
             e.detail);
  // The last reading is from before somebody took what we wanted: the next one tells.
  if (begins) before_.reset();
  // By the newest reading this allocation should have worked: readings will not prove the contrary.
  // Nor ever that a quota has room, however full the volume was as it was met.
  if (e.cause == SpaceCause::kQuota || (!no_inodes && !no_bytes)) shortage_unseen_ = true;
  proof_.SetTrialBytes(TrialBytes());  // one that is under way has to show it, too
  PollSoon();
}

void SpacePolicy::On(const event::NoStepFits& e) {
  PollSoon();
  if (!reading_) return;
  // Refused for what the reading does not show yet: let the next reading decide. Wants more than a
  // step: refused for itself, the volume is not full.
  const Marks& marks = wanted_.marks;
  if (reading_->available_bytes - marks.full_bytes < std::min(e.bytes, marks.step_bytes)) {
    RaiseSpace(SpaceCause::kBytes, false,
               absl::StrFormat("a step of %s does not fit: %d bytes (%s) available, full mark %s",
                               FormatByteSize(e.bytes), reading_->available_bytes,
                               FormatByteSize(reading_->available_bytes),
                               FormatByteSize(marks.full_bytes)));
  } else if (reading_->counts_inodes &&
             reading_->inodes_available - marks.full_inodes < std::min<std::int64_t>(e.inodes, 2)) {
    RaiseSpace(
        SpaceCause::kInodes, false,
        absl::StrFormat("a step does not fit: it takes %d inodes, %d available, full mark %d",
                        e.inodes, reading_->inodes_available, marks.full_inodes));
  }
}

void SpacePolicy::On(const event::DeviceFailed& e) { RaiseDevice(e.cause, e.detail); }

void SpacePolicy::On(const event::ReserveLost& e) {
  room_held_ = false;
  reserve_held_bytes_ = 0;
  ReopenEpisode();
  if (proof_.running()) proof_.Abort();
  RaiseSpace(SpaceCause::kBytes, false, "the reserve was lost: " + e.detail);
}

void SpacePolicy::On(const event::MarksChanged& e) {
  if (e.marks == wanted_.marks) return;
  // A proof is judged by the newest marks: what was shown for the old ones is shown again.
  ReopenEpisode();
  if (proof_.running()) proof_.Abort();
  wanted_.marks = e.marks;
  wanted_.marks_set_by = e.who;
  budget_.SetMarks(e.marks);
  PollSoon();
}

void SpacePolicy::On(const event::OperatorHolds& e) {
  const base::WallMillis since =
      wanted_.holds.operator_hold ? wanted_.holds.operator_hold->since_wall : at_.wall;
  wanted_.holds.operator_hold = OperatorHold{e.who, e.why, since};
}

void SpacePolicy::On(const event::OperatorReleases& e) {
  if (wanted_.holds.operator_hold) released_ = OperatorRelease{e.who, at_.wall};
  wanted_.holds.operator_hold.reset();
}

void SpacePolicy::On(const event::Persisted& e) {
  if (!writing_ || writing_->generation != e.generation) return;
  const bool ended_episode =
      durable_.holds.space &&
      (!writing_->holds.space || writing_->holds.space->episode != durable_.holds.space->episode);
  durable_ = *writing_;
  writing_.reset();
  persist_backoff_ = options_.persist_backoff_min;
  report_due_ = true;
  if (!ended_episode) return;
  last_episode_ended_ = at_.now;
  if (proof_.phase() == ProofAttempt::Phase::kProven) proof_.OnPersisted();
}

void SpacePolicy::On(const event::PersistFailed& e) {
  if (!writing_ || writing_->generation != e.generation) return;
  writing_.reset();
  persist_backoff_ =
      std::clamp(persist_backoff_ * 2, options_.persist_backoff_min, options_.persist_backoff_max);
  persist_next_ = at_.now + persist_backoff_;
  if (proof_.phase() == ProofAttempt::Phase::kProven) {
    // The hold is durable still, and what was proven is growing old.
    if (!wanted_.holds.space) wanted_.holds.space = proof_.goal().episode;
    wanted_.last_proof = durable_.last_proof;
    proof_.Fail(ProofStep::kPersist, e.detail, at_.now);
  }
  if (e.unknown_on_disk) RaiseDevice(DeviceCause::kSyncFailed, e.detail);
}

void SpacePolicy::On(const event::RoomVerified& e) {
  room_known_ = true;
  reserve_held_bytes_ = e.reserve_bytes;
  if (provisioning_) return;
  room_held_ = e.intact && e.reserve_bytes >= wanted_.marks.reserve_bytes;
  if (!room_held_) {
    RaiseSpace(SpaceCause::kBytes, true, WhyNoRoom(e, wanted_.marks.reserve_bytes));
  }
}

void SpacePolicy::On(const event::RoomTaken& e) {
  if (!room_grant_) return;
  budget_.Complete(*room_grant_, at_.now);
  room_grant_.reset();
  room_answered_ = at_.now;
  reserve_held_bytes_ = e.reserve_bytes;
  steps_taken_ += e.steps;
  steps_taken_bytes_ += e.steps_bytes;  // what is missing still was told by who took them
  FollowProof(proof_.OnRoomTaken(e, at_.now));
  proof_.SetStepsMissing(steps_missing_);  // also of what went while it was being taken
}

void SpacePolicy::On(const event::RoomRefused& e) {
  if (!room_grant_) return;
  // Part of it may be kept: the next reading tells.
  budget_.Complete(*room_grant_, at_.now);
  room_grant_.reset();
  room_answered_ = at_.now;
  reserve_held_bytes_ = e.reserve_bytes;
  if (e.reserve_bytes < wanted_.marks.reserve_bytes) room_held_ = false;
  steps_taken_ += e.steps;
  steps_taken_bytes_ += e.steps_bytes;  // what is missing still was told by who took them
  proof_.OnRoomRefused(e, at_.now);
  PollSoon();
}

void SpacePolicy::On(const event::StepsMissing& e) {
  steps_missing_ = e.steps;
  proof_.SetStepsMissing(e.steps);
}

void SpacePolicy::On(const event::SpaceFreed& e) {
  if (wanted_.holds.space) freed_by_us_bytes_ += e.bytes;
  PollSoon();
}

void SpacePolicy::On(const event::ReclaimEnded& e) {
  reclaim_running_ = false;
  // Each that freed something may be followed by the next at once: there is an end to that. What
  // came to nothing is not repeated soon.
  constexpr int kSooner = 50;
  if (e.needs_operator) {
    reclaim_backoff_ = options_.reclaim_pause;
  } else if (e.freed_bytes > 0) {
    reclaim_backoff_ = base::Duration(0);
  } else {
    reclaim_backoff_ =
        std::clamp(reclaim_backoff_ * 2, options_.reclaim_pause / kSooner, options_.reclaim_pause);
  }
  reclaim_next_ = at_.now + reclaim_backoff_;
  reclaim_reading_ = reading_;
  reclaim_ended_ = e;
  PollSoon();
}

void SpacePolicy::On(const event::PollNow&) { PollSoon(); }

void SpacePolicy::On(const event::KnownElsewhere& e) {
  // Equal is told only with another content: rolled back, and caught up since.
  if (e.generation < durable_.generation && e.episode <= durable_.episode) return;
  known_elsewhere_ = std::max(known_elsewhere_, e.generation);
  provisioning_ = false;
  ReopenEpisode();
  if (proof_.running()) proof_.Abort();
  if (wanted_.holds.space && wanted_.holds.space->episode < e.episode) {
    // Numbers are never reused: the open episode goes on under one that was never told.
    wanted_.holds.space->episode = e.episode + 1;
    wanted_.episode = e.episode + 1;
  }
  wanted_.episode = std::max(wanted_.episode, e.episode);
  RaiseSpace(SpaceCause::kBytes, true,
             absl::StrFormat("the SC knew generation %d, here was %d: wiped, restored or rolled "
                             "back",
                             e.generation.value(), durable_.generation.value()));
  shortage_unseen_ = true;  // whatever held it then, a quota perhaps, is not known here
}

void SpacePolicy::On(const event::ProofRefused& e) {
  if (e.generation != durable_.generation || durable_.holds.space) return;
  RaiseSpace(durable_.last_proof ? durable_.last_proof->cause : SpaceCause::kBytes, false,
             "the SC refused the proof: " + e.reason);
}

}  // namespace tidemark::monitor
