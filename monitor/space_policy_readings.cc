// Readings: which are believed, what they say of the space, when the next is due.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "monitor/space_level.h"
#include "monitor/space_policy.h"

namespace tidemark::monitor {
namespace {

// Fresh readings that end a blind hold.
constexpr std::int32_t kReadingsToSee = 3;
// A sync writes what neighbours left to be written as well: it takes as long as they make it.
constexpr base::Duration kSyncAllowanceMax = std::chrono::seconds(30);
constexpr std::uint64_t kExt4Magic = 0xEF53;

}  // namespace

void SpacePolicy::On(const event::ReadingArrived& e) {
  poll_began_.reset();
  if (const auto* fault = std::get_if<ReadingFault>(&e.outcome)) {
    RejectReading(*fault);
    return;
  }
  const SpaceReading& reading = std::get<SpaceReading>(e.outcome);
  const base::Duration took = reading.finished - reading.started - reading.synced_for;
  if (took > options_.reading_deadline) {
    RejectReading({ReadingFaultKind::kDeadlineMissed,
                   absl::StrFormat("the reading took %s", base::FormatDuration(took))});
    return;
  }
  if (reading_ && reading.started <= reading_->started) return;  // told before
  AcceptReading(reading);
}

void SpacePolicy::AcceptReading(SpaceReading reading) {
  if (!identity_) identity_ = reading.identity;
  if (reading.identity != *identity_) {
    RaiseDevice(DeviceCause::kWrongVolume,
                absl::StrFormat("was device %x filesystem %x, is device %x filesystem %x",
                                identity_->device_id, identity_->file_system_id,
                                reading.identity.device_id, reading.identity.file_system_id));
    return;
  }
  if (reading.read_only) {
    RaiseDevice(DeviceCause::kReadOnly, "filesystem is mounted read-only");
    return;
  }
  CountBelowZero(reading);
  sync_allowance_ = std::min(
      kSyncAllowanceMax, std::max(2 * reading.synced_for, sync_allowance_ - sync_allowance_ / 4));
  reading_ = reading;
  fault_.reset();
  schedule_.OnReading(reading, wanted_.marks);
  next_poll_ = at_.now + PollInterval();
  lease_until_ = reading.started + LeaseOfReading();
  budget_.OnReading(reading, lease_until_);
  if (wanted_.holds.blind && reading.started >= blind_since_ &&
      ++readings_since_blind_ >= kReadingsToSee) {
    wanted_.holds.blind.reset();
  }
  CheckSpace(reading);
  if (wanted_.holds.space) {
    if (!before_) before_ = reading;
    if (proof_.phase() == ProofAttempt::Phase::kReadings) {
      gain_bytes_ = reading.available_bytes - before_->available_bytes;
    }
  }
  FollowProof(proof_.OnReading(reading, at_.now));
  CheckFirstStart();
  ConsiderReclaim(reading);
}

// Of a fresh volume nothing is told. One that was told held, by a person or for want of readings,
// and is so no more, may lack its room still: while nothing else is told, what was lifted seems to
// hold it. From here it is as any other that has no room.
void SpacePolicy::CheckFirstStart() {
  if (!provisioning_ || !wanted_.holds.empty() || durable_.holds.empty()) return;
  const bool taking = room_grant_ || proof_.phase() > ProofAttempt::Phase::kReadings;
  // Want of descriptors, say, is no want of space: it goes on trying.
  const ProofFailure* shortage = first_start_shortage();
  if (taking || shortage == nullptr || device_fault_) return;
  const bool by_inodes = shortage->inodes_short > 0 && shortage->bytes_short == 0;
  const bool unseen = shortage->step == ProofStep::kTakeRoom;
  const std::string why = FirstStartWaits();
  provisioning_ = false;
  RaiseSpace(by_inodes ? SpaceCause::kInodes : SpaceCause::kBytes, false, why);
  shortage_unseen_ = unseen;
}

// Of ext4 it is known that only root brings about the difference, and that it stays the same.
void SpacePolicy::CountBelowZero(SpaceReading& reading) {
  if (reading.type_magic != kExt4Magic) return;
  if (reading.available_bytes > 0) {
    root_only_bytes_ = reading.root_only_bytes;
  } else {
    reading.below_zero_bytes =
        std::max<std::int64_t>(0, root_only_bytes_ - reading.root_only_bytes);
  }
}

void SpacePolicy::RejectReading(const ReadingFault& fault) {
  fault_ = fault;
  readings_since_blind_ = 0;
  proof_.OnReadingFault(fault);
  next_poll_ = at_.now + PollInterval();
}

void SpacePolicy::CheckSpace(const SpaceReading& reading) {
  if (LevelByInodes(reading, wanted_.marks) == SpaceLevel::kFull) {
    RaiseSpace(SpaceCause::kInodes, false,
               absl::StrFormat("a reading: %d inodes available, full mark %d",
                               reading.inodes_available, wanted_.marks.full_inodes));
  } else if (LevelByBytes(reading, wanted_.marks) == SpaceLevel::kFull) {
    RaiseSpace(
        SpaceCause::kBytes, false,
        absl::StrFormat("a reading: %d bytes (%s) available, full mark %s, one step %s",
                        reading.available_bytes, base::FormatByteSize(reading.available_bytes),
                        base::FormatByteSize(wanted_.marks.full_bytes),
                        base::FormatByteSize(wanted_.marks.step_bytes)));
  }
}

// An answer that never comes is told by nobody: find it by the time.
void SpacePolicy::CheckDeadline() {
  if (!poll_began_ || at_.now < *poll_began_ + ReadingDeadline()) return;
  poll_began_.reset();
  RejectReading({ReadingFaultKind::kDeadlineMissed,
                 absl::StrFormat("no answer within %s", base::FormatDuration(ReadingDeadline()))});
}

void SpacePolicy::CheckLease() {
  if (at_.now < lease_until_ || wanted_.holds.blind) return;
  const std::string why =
      fault_ ? absl::StrFormat("%s: %s", ReadingFaultName(fault_->kind), fault_->detail)
             : "no reading in time";
  wanted_.holds.blind = BlindHold{why, at_.wall};
  blind_since_ = at_.now;
  readings_since_blind_ = 0;
}

std::optional<std::int64_t> SpacePolicy::WantedOfReclaim(const SpaceReading& reading) const {
  if (!wanted_.holds.space && LevelOf(reading, wanted_.marks) == SpaceLevel::kOk) {
    return std::nullopt;
  }
  const std::int64_t wanted =
      std::max(wanted_.marks.low_bytes,
               wanted_.marks.resume_bytes + (proof_.running() ? proof_.bytes_to_take() : 0)) +
      reading.below_zero_bytes - reading.available_bytes;
  // Bytes are enough but inodes are not: any step that removes a file will do.
  const bool by_inodes =
      reading.counts_inodes && reading.inodes_available < wanted_.marks.low_inodes;
  if (wanted <= 0 && !by_inodes) return std::nullopt;
  return std::max<std::int64_t>(1, wanted);
}

// What the volume fills by while the next reclaim is at work, at the pace since the last one; else
// a fast writer is always a step ahead. No more than to low again: what is readable is worth more.
std::int64_t SpacePolicy::ReclaimAhead(const SpaceReading& reading) const {
  constexpr double kAheadSeconds = 1;
  if (!reclaim_reading_ || reading.started <= reclaim_reading_->started) return 0;
  // Two readings in quick succession say little of a pace.
  const base::Duration apart = std::max<base::Duration>(reading.started - reclaim_reading_->started,
                                                        std::chrono::milliseconds(100));
  const auto filled =
      static_cast<double>(reclaim_reading_->available_bytes - reading.available_bytes);
  const double ahead = filled * kAheadSeconds / std::chrono::duration<double>(apart).count();
  const std::int64_t most = wanted_.marks.low_bytes - wanted_.marks.resume_bytes;
  return static_cast<std::int64_t>(std::clamp<double>(ahead, 0, static_cast<double>(most)));
}

void SpacePolicy::ConsiderReclaim(const SpaceReading& reading) {
  const std::optional<std::int64_t> wanted = WantedOfReclaim(reading);
  if (!wanted) reclaim_ended_.reset();
  if (!wanted || reclaim_running_ || provisioning_ || device_fault_) return;
  // A trial of the room is given back: what it takes away is no reason to give up data.
  if (room_grant_ || reading.started < room_answered_) return;
  // Where a segment more was written, policy may allow what it did not; and there is an end to it.
  const bool filled_on =
      reclaim_reading_ &&
      reading.available_bytes <= reclaim_reading_->available_bytes - wanted_.marks.segment_bytes;
  if (at_.now < reclaim_next_ && !filled_on) return;
  reclaim_running_ = true;
  actions_.push_back(action::StartReclaim{*wanted + ReclaimAhead(reading)});
}

bool SpacePolicy::LowUnseen() const {
  if (!reading_ || LevelByBytes(*reading_, wanted_.marks) != SpaceLevel::kOk) return false;
  return reading_->available_bytes - budget_.unseen_bytes() < wanted_.marks.low_bytes;
}

base::Duration SpacePolicy::PollInterval() const {
  if (!wanted_.holds.space && !wanted_.holds.blind && !provisioning_) return schedule_.interval();
  return std::clamp(settle_ / 4, PollSchedule::kIntervalMin, options_.held_interval_max);
}

void SpacePolicy::SyncPolling() {
  if (poll_began_ || at_.now < next_poll_) return;
  poll_began_ = at_.now;
  actions_.push_back(action::TakeReading{});
}

}  // namespace tidemark::monitor
