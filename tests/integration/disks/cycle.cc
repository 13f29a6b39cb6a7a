#include "tests/integration/disks/cycle.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "cli/words.h"
#include "tests/integration/disks/step.h"
#include "tests/support/await.h"

namespace tidemark::disks {
namespace {

using support::kLongWait;

constexpr auto kOutOfSpace = sc::v1::PARTITION_STATUS_OUT_OF_SPACE;
// Of records that expire: with them gone the volume is well above its resume mark.
constexpr std::int64_t kExpiringBytes = 6 * base::kMiB;
// A trim leaves these, so that the segment stays that has no step left.
constexpr std::int64_t kKeptRecords = 4;

space::v1::SpaceCause WantedCause(Cause cause) {
  switch (cause) {
    case Cause::kInodes:
      return space::v1::SPACE_CAUSE_INODES;
    case Cause::kQuota:
      return space::v1::SPACE_CAUSE_QUOTA;
    default:
      return space::v1::SPACE_CAUSE_BYTES;
  }
}

}  // namespace

Cycle::Cycle(Disk& disk, Cluster& cluster, const CyclePlan& plan, int reconnects,
             std::uint64_t seed, Tally& tally)
    : disk_(disk),
      cluster_(cluster),
      plan_(plan),
      reconnects_(reconnects),
      random_(seed),
      tally_(tally) {}

absl::Status Cycle::Run() {
  const absl::Status status = TakeSteps();
  const bool early = hold_seen_ && !space_given_ && cluster_.watcher().Saw(cluster_.all(), kOnline);
  if (!status.ok() && early) tally_.Count("unearned_online");
  return status;
}

absl::Status Cycle::TakeSteps() {
  static constexpr struct {
    std::string_view name;
    absl::Status (Cycle::*step)();
  } kSteps[] = {
      {"make_headroom", &Cycle::MakeHeadroom},
      {"fill", &Cycle::Fill},
      {"stop", &Cycle::ExpectStopped},
      {"read_while_full", &Cycle::ReadWhileFull},
      {"reconnect_while_full", &Cycle::ReconnectWhileFull},
      {"kill_while_full", &Cycle::KillAgentWhileFull},
      {"cure", &Cycle::Cure},
      {"online", &Cycle::ExpectOnline},
      {"write_again", &Cycle::WriteAgain},
      {"tidy_up", &Cycle::TidyUp},
  };
  for (const auto& one : kSteps) {
    TM_RETURN_IF_ERROR(TakeStep(one.name, tally_, [&] { return (this->*one.step)(); }));
  }
  tally_.Count("cycles");
  return absl::OkStatus();
}

absl::Status Cycle::MakeHeadroom() { return disk_.MakeHeadroom(); }

absl::Status Cycle::Fill() {
  const bool inodes = disk_.disk_case().cause == Cause::kInodes;
  // Inodes are the neighbour's to take: ours go by the segment.
  if (plan_.cure == Cure::kTrim && !inodes) return FillByProducing();
  if (plan_.cure == Cure::kRetention) {
    TM_ASSIGN_OR_RETURN(const Written written, cluster_.Write(cluster_.expiring(), kExpiringBytes));
    TM_RETURN_IF_ERROR(Expect(written.refused.empty(), "refused too early: " + written.why));
  }
  // Trimmed, they must give back inodes enough: two a segment.
  const std::int64_t bytes = inodes && plan_.cure == Cure::kTrim ? kExpiringBytes : kFewBytes;
  TM_ASSIGN_OR_RETURN(const Written written, cluster_.Write(cluster_.kept(), bytes));
  TM_RETURN_IF_ERROR(Expect(written.refused.empty(), "refused too early: " + written.why));
  const bool seen = disk_.disk_case().cause != Cause::kQuota && !inodes;
  if (seen && plan_.cure != Cure::kRetention && random_() % 2 == 0) {
    // The neighbour takes most, and we the rest, to the end of our steps.
    TM_RETURN_IF_ERROR(disk_.FillUp(kFullBytes + 8 * kStepBytes));
    return FillByProducing();
  }
  return FillByNeighbour(kFullBytes / 2);
}

absl::Status Cycle::FillByProducing() {
  tally_.Plan("fill_by_producing");
  TM_ASSIGN_OR_RETURN(const Written written, cluster_.Write(cluster_.kept(), 4 * kHeadroomBytes));
  TM_RETURN_IF_ERROR(
      Expect(written.refused.size() == cluster_.kept().size(),
             absl::StrFormat("%d records fitted, and nobody was refused", written.records)));
  tally_.Fire("fill_by_producing");
  // Sometimes a neighbour takes what we left, to the last block.
  if (disk_.disk_case().cause == Cause::kQuota || random_() % 2 == 0) return absl::OkStatus();
  return disk_.FillUp(0);
}

absl::Status Cycle::FillByNeighbour(std::int64_t left_bytes) {
  tally_.Plan("fill_by_neighbour");
  TM_RETURN_IF_ERROR(disk_.FillUp(left_bytes));
  tally_.Fire("fill_by_neighbour");
  if (disk_.disk_case().cause != Cause::kQuota) return absl::OkStatus();
  // No reading shows a quota: only who asks for space hears of it.
  TM_ASSIGN_OR_RETURN(const Written written, cluster_.Write(cluster_.kept(), kHeadroomBytes));
  return Expect(!written.refused.empty() && !written.failed,
                "the quota is used up, and nobody was refused: " + written.why);
}

absl::Status Cycle::ExpectStopped() {
  TM_RETURN_IF_ERROR(cluster_.BeginChapter(kOutOfSpace));
  hold_seen_ = true;
  TM_ASSIGN_OR_RETURN(const auto volume, cluster_.VolumeAtAgent());
  stopped_ = {volume.holds().space().episode(), volume.generation()};
  TM_RETURN_IF_ERROR(
      Expect(volume.holds().space().cause() == WantedCause(disk_.disk_case().cause),
             absl::StrFormat("the hold's cause is %s",
                             space::v1::SpaceCause_Name(volume.holds().space().cause()))));
  tally_.Count("episodes");
  return ExpectShortage();
}

absl::Status Cycle::ExpectShortage() {
  TM_ASSIGN_OR_RETURN(const Sight sight, disk_.Look());
  const std::string seen =
      absl::StrFormat("%d bytes available, %d free, %d inodes, %d of quota", sight.available_bytes,
                      sight.free_bytes, sight.available_inodes, sight.quota_left_bytes);
  switch (disk_.disk_case().cause) {
    case Cause::kInodes:
      return Expect(sight.available_inodes < disk_.disk_case().full_inodes() &&
                        sight.available_bytes > kResumeBytes,
                    "inodes should be what is short: " + seen);
    case Cause::kReserved:
      return Expect(sight.available_bytes < kResumeBytes && sight.free_bytes > kResumeBytes,
                    "only root should have blocks left: " + seen);
    case Cause::kQuota:
      return Expect(
          sight.available_bytes > kLowBytes && sight.quota_left_bytes < kResumeBytes - kFullBytes,
          "the quota should be what is short: " + seen);
    default:
      // Not "below full": the rest of a sealed segment's step comes back, on xfs late.
      return Expect(sight.available_bytes < kResumeBytes, "bytes should be what is short: " + seen);
  }
}

absl::Status Cycle::ReadWhileFull() { return cluster_.ReadEverything(); }

absl::Status Cycle::ReconnectWhileFull() {
  return Reconnect(cluster_, reconnects_, kOutOfSpace, tally_);
}

absl::Status Cycle::KillAgentWhileFull() {
  if (!plan_.kill_agent) return absl::OkStatus();
  tally_.Plan("kill");
  TM_RETURN_IF_ERROR(cluster_.CountFailedCalls(tally_));
  TM_ASSIGN_OR_RETURN(const std::uint64_t session, cluster_.Session());
  cluster_.KillAgent();
  TM_RETURN_IF_ERROR(cluster_.StartAgent());
  TM_RETURN_IF_ERROR(cluster_.WaitForSession(session, kOutOfSpace));
  TM_ASSIGN_OR_RETURN(const auto volume, cluster_.VolumeAtAgent());
  TM_RETURN_IF_ERROR(Expect(
      volume.holds().space().episode() == stopped_.episode &&
          volume.generation() >= stopped_.generation,
      absl::StrFormat("after a kill: episode %d, was %d; generation %d",
                      volume.holds().space().episode(), stopped_.episode, volume.generation())));
  tally_.Fire("kill");
  return absl::OkStatus();
}

absl::Status Cycle::NothingButOutOfSpace() {
  const absl::Status only = cluster_.watcher().OnlyEver(cluster_.all(), kOutOfSpace, false);
  tally_.Count("looks", cluster_.watcher().looks());
  return only;
}

absl::Status Cycle::Cure() {
  const std::string name = "cure_" + std::string(CureName(plan_.cure));
  tally_.Plan(name);
  if (plan_.competitor) tally_.Plan("competitor");
  const std::int64_t took_before = disk_.competitor_took();
  if (plan_.competitor) {
    TM_RETURN_IF_ERROR(StartCompetitor());
  } else {
    TM_RETURN_IF_ERROR(NothingButOutOfSpace());
  }
  space_given_ = !plan_.competitor;
  TM_RETURN_IF_ERROR(ApplyCure());
  tally_.Fire(name);
  if (!plan_.competitor) return absl::OkStatus();
  TM_RETURN_IF_ERROR(ExpectStillStopped(took_before));
  tally_.Fire("competitor");
  TM_RETURN_IF_ERROR(NothingButOutOfSpace());
  space_given_ = true;
  return disk_.StopCompeting();
}

absl::Status Cycle::StartCompetitor() {
  if (competing_) return absl::OkStatus();
  competing_ = true;
  return disk_.StartCompeting();
}

absl::Status Cycle::ApplyCure() {
  switch (plan_.cure) {
    case Cure::kTrim:
      return cluster_.Trim(kKeptRecords);
    case Cure::kRetention:
      return cluster_.LetRecordsExpire();
    case Cure::kForeignDelete:
      return disk_.ForeignDelete();
    case Cure::kGrown:
      return GrowTheVolume();
  }
  return absl::OkStatus();
}

absl::Status Cycle::GrowTheVolume() {
  const absl::Status grown = disk_.Grow();
  if (!absl::IsUnimplemented(grown)) return grown;
  // Taken off line for it: the SPU finds a larger volume, and its hold.
  tally_.Count("grown_unmounted");
  TM_RETURN_IF_ERROR(cluster_.CountFailedCalls(tally_));
  TM_ASSIGN_OR_RETURN(const std::uint64_t session, cluster_.Session());
  cluster_.KillAgent();
  if (competing_) TM_RETURN_IF_ERROR(disk_.PauseCompeting());
  TM_RETURN_IF_ERROR(disk_.GrowUnmounted());
  if (competing_) TM_RETURN_IF_ERROR(disk_.StartCompeting());
  TM_RETURN_IF_ERROR(cluster_.StartAgent());
  if (!competing_) return absl::OkStatus();
  return cluster_.WaitForSession(session, kOutOfSpace);
}

absl::Status Cycle::ExpectStillStopped(std::int64_t took_before) {
  const std::int64_t least = disk_.disk_case().cause == Cause::kInodes ? 8 : base::kMiB;
  const auto took = support::WaitFor([&] { return disk_.competitor_took() - took_before >= least; },
                                     kLongWait, "the competitor to take what was freed");
  TM_RETURN_IF_ERROR(Expect(took, took.message()));
  const base::MonotonicTime taken_at = clock_.Now();
  const bool by_quota = disk_.disk_case().cause == Cause::kQuota;
  space::v1::Explanation told;
  std::int32_t tries = -1;
  const auto explained = support::WaitFor(
      [&] {
        const auto answer = cluster_.Explain();
        if (!answer.ok()) return false;
        told = *answer;
        if (tries < 0) tries = told.proof().tries();
        const auto age = std::chrono::milliseconds(told.volume().reading().age_ms());
        // A quota is in no reading: there a whole attempt must have failed since.
        const bool looked =
            by_quota ? told.proof().tries() >= tries + 2 : clock_.Now() - age > taken_at;
        return looked && told.proof().step() != space::v1::PROOF_STEP_UNSPECIFIED &&
               (told.proof().bytes_short() > 0 || told.proof().inodes_short() > 0);
      },
      kLongWait, "volume explain to tell the step and what is short");
  TM_RETURN_IF_ERROR(Expect(
      explained, absl::StrFormat("%s; it says: %s", explained.message(), told.ShortDebugString())));
  TM_RETURN_IF_ERROR(Expect(!told.volume().accepting(), "it accepts what has no room"));
  return cluster_.WaitForStatus(kOutOfSpace, true);
}

absl::Status Cycle::ExpectOnline() {
  TM_RETURN_IF_ERROR(cluster_.WaitForStatus(kOnline, true));
  const absl::Status proven = ExpectProven(disk_, cluster_, stopped_);
  if (!proven.ok()) tally_.Count("unearned_online");
  return proven;
}

absl::Status Cycle::WriteAgain() {
  TM_ASSIGN_OR_RETURN(const Written written, cluster_.Write(cluster_.all(), kFewBytes));
  TM_RETURN_IF_ERROR(Expect(written.refused.empty() && !written.failed,
                            "Online, and refused all the same: " + written.why));
  tally_.Count("records", written.records);
  return absl::OkStatus();
}

absl::Status Cycle::TidyUp() {
  TM_RETURN_IF_ERROR(cluster_.Trim(0));
  TM_RETURN_IF_ERROR(disk_.ForeignDelete());
  TM_RETURN_IF_ERROR(cluster_.CountFailedCalls(tally_));
  return Expect(cluster_.ledger().unread() == 0, "acknowledged records were never read back");
}

}  // namespace tidemark::disks
