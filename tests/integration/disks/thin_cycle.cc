#include "tests/integration/disks/thin_cycle.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "tests/integration/disks/cycle.h"
#include "tests/integration/disks/step.h"
#include "tests/support/await.h"

namespace tidemark::disks {
namespace {

constexpr auto kFailed = sc::v1::PARTITION_STATUS_FAILED;

}  // namespace

absl::Status ThinCycle::Run() {
  static constexpr struct {
    std::string_view name;
    absl::Status (ThinCycle::*step)();
  } kSteps[] = {
      {"make_headroom", &ThinCycle::MakeHeadroom},
      {"fill", &ThinCycle::WriteUntilTheSyncFails},
      {"read_while_full", &ThinCycle::ReadWhileFailed},
      {"reconnect_while_full", &ThinCycle::ReconnectWhileFailed},
      {"cure", &ThinCycle::GiveThePoolSpace},
      {"still_failed", &ThinCycle::ExpectStillFailed},
      {"online", &ThinCycle::StartAgain},
      {"forget_the_cache", &ThinCycle::ForgetTheCache},
      {"tidy_up", &ThinCycle::TidyUp},
  };
  for (const auto& one : kSteps) {
    TM_RETURN_IF_ERROR(TakeStep(one.name, tally_, [&] { return (this->*one.step)(); }));
  }
  tally_.Count("cycles");
  return absl::OkStatus();
}

absl::Status ThinCycle::MakeHeadroom() { return disk_.MakeHeadroom(); }

absl::Status ThinCycle::WriteUntilTheSyncFails() {
  tally_.Plan("sync_enospc");
  TM_RETURN_IF_ERROR(disk_.FillUp(base::kMiB));
  TM_ASSIGN_OR_RETURN(const Written written, cluster_.Write(cluster_.all(), 4 * kHeadroomBytes));
  TM_RETURN_IF_ERROR(Expect(
      written.failed && written.refused.empty(),
      absl::StrFormat("%d records on a pool that is full; %s", written.records, written.why)));
  tally_.Fire("sync_enospc");
  TM_RETURN_IF_ERROR(cluster_.BeginChapter(kFailed));
  TM_ASSIGN_OR_RETURN(const auto volume, cluster_.VolumeAtAgent());
  TM_RETURN_IF_ERROR(
      Expect(volume.device_faults_size() > 0 &&
                 volume.device_faults(0).cause() == space::v1::DEVICE_CAUSE_SYNC_FAILED,
             "a failed sync should be a fault of the device: " + volume.ShortDebugString()));
  TM_ASSIGN_OR_RETURN(const Sight sight, disk_.Look());
  return Expect(sight.available_bytes > kLowBytes,
                absl::StrFormat("statvfs shows only %d bytes: this volume is not thin",
                                sight.available_bytes));
}

absl::Status ThinCycle::ReadWhileFailed() { return cluster_.ReadEverything(); }

absl::Status ThinCycle::ReconnectWhileFailed() {
  return Reconnect(cluster_, std::max(0, reconnects_ - 1), kFailed, tally_);
}

absl::Status ThinCycle::GiveThePoolSpace() {
  const std::string name = "cure_" + std::string(CureName(plan_.cure));
  tally_.Plan(name);
  if (plan_.competitor) {
    tally_.Plan("competitor");
    TM_RETURN_IF_ERROR(disk_.StartCompeting());
  }
  if (plan_.cure == Cure::kForeignDelete) {
    TM_RETURN_IF_ERROR(disk_.ForeignDelete());
  } else if (const absl::Status grown = disk_.Grow(); absl::IsUnimplemented(grown)) {
    grow_unmounted_ = true;
    return absl::OkStatus();  // while the SPU is down
  } else {
    TM_RETURN_IF_ERROR(grown);
  }
  tally_.Fire(name);
  return absl::OkStatus();
}

absl::Status ThinCycle::ExpectStillFailed() {
  if (plan_.competitor) {
    if (grow_unmounted_) TM_RETURN_IF_ERROR(disk_.ForeignDelete());
    const auto took = support::WaitFor([&] { return disk_.competitor_took() >= base::kMiB; },
                                       support::kLongWait, "the competitor to take what was given");
    TM_RETURN_IF_ERROR(Expect(took, took.message()));
    tally_.Fire("competitor");
  }
  TM_RETURN_IF_ERROR(Reconnect(cluster_, 1, kFailed, tally_));
  const absl::Status only = cluster_.watcher().OnlyEver(cluster_.all(), kFailed, false);
  if (!only.ok()) tally_.Count("unearned_online");
  tally_.Count("looks", cluster_.watcher().looks());
  return only;
}

absl::Status ThinCycle::StartAgain() {
  if (plan_.competitor) TM_RETURN_IF_ERROR(disk_.StopCompeting());
  TM_RETURN_IF_ERROR(cluster_.CountFailedCalls(tally_));
  tally_.Plan("kill");
  cluster_.KillAgent();
  if (grow_unmounted_) {
    TM_RETURN_IF_ERROR(disk_.GrowUnmounted());
    tally_.Count("grown_unmounted");
    tally_.Fire("cure_grown");
  }
  TM_RETURN_IF_ERROR(cluster_.StartAgent());
  TM_RETURN_IF_ERROR(cluster_.WaitForStatus(kOnline, true));
  tally_.Fire("kill");
  TM_ASSIGN_OR_RETURN(const std::int64_t held, disk_.ReserveHeldBytes());
  TM_RETURN_IF_ERROR(
      Expect(held >= kReserveBytes, absl::StrFormat("the reserve has %d bytes", held)));
  TM_ASSIGN_OR_RETURN(const Written written, cluster_.Write(cluster_.all(), kFewBytes));
  return Expect(written.refused.empty() && !written.failed,
                "recovered, and refused all the same: " + written.why);
}

absl::Status ThinCycle::ForgetTheCache() {
  tally_.Plan("remount");
  TM_RETURN_IF_ERROR(cluster_.CountFailedCalls(tally_));
  cluster_.KillAgent();
  TM_RETURN_IF_ERROR(disk_.Remount());
  TM_RETURN_IF_ERROR(cluster_.StartAgent());
  TM_RETURN_IF_ERROR(cluster_.WaitForStatus(kOnline, true));
  tally_.Fire("remount");
  return absl::OkStatus();
}

absl::Status ThinCycle::TidyUp() {
  TM_RETURN_IF_ERROR(cluster_.Trim(0));
  TM_RETURN_IF_ERROR(disk_.ForeignDelete());
  return Expect(cluster_.ledger().unread() == 0, "acknowledged records were never read back");
}

}  // namespace tidemark::disks
