#include "tests/integration/disks/thin_cycle.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "tests/integration/disks/cycle.h"
#include "tests/support/await.h"

namespace tidemark::disks {
namespace {

constexpr auto kFailed = sc::v1::PARTITION_STATUS_FAILED;
constexpr std::int64_t kFewBytes = 512 * base::kKiB;

absl::Status Expect(bool condition, const std::string& what) {
  return condition ? absl::OkStatus() : absl::InternalError(what);
}

absl::Status WriteUntilTheSyncFails(Disk& disk, Cluster& cluster, Tally& tally) {
  tally.Plan("sync_enospc");
  TM_RETURN_IF_ERROR(disk.FillUp(base::kMiB));
  TM_ASSIGN_OR_RETURN(const Written written, cluster.Write(cluster.all(), 4 * kHeadroomBytes));
  TM_RETURN_IF_ERROR(Expect(
      written.failed && written.refused.empty(),
      absl::StrFormat("%d records on a pool that is full; %s", written.records, written.why)));
  tally.Fire("sync_enospc");
  TM_RETURN_IF_ERROR(cluster.BeginChapter(kFailed));
  TM_ASSIGN_OR_RETURN(const auto volume, cluster.VolumeAtAgent());
  TM_RETURN_IF_ERROR(
      Expect(volume.device_faults_size() > 0 &&
                 volume.device_faults(0).cause() == space::v1::DEVICE_CAUSE_SYNC_FAILED,
             "a failed sync should be a fault of the device: " + volume.ShortDebugString()));
  TM_ASSIGN_OR_RETURN(const Sight sight, disk.Look());
  return Expect(sight.available_bytes > kLowBytes,
                absl::StrFormat("statvfs shows only %d bytes: this volume is not thin",
                                sight.available_bytes));
}

absl::Status GiveThePoolSpace(Disk& disk, const CyclePlan& plan, Tally& tally) {
  // What is trimmed or expired on a thin volume stays with it: only others can give.
  Cure cure = Cure::kForeignDelete;
  if (plan.cure == Cure::kGrown || plan.cure == Cure::kRetention) {
    const absl::Status grown = disk.Grow();
    if (grown.ok()) cure = Cure::kGrown;
    // Where it cannot grow while it is in use, others delete.
    if (!grown.ok() && !absl::IsUnimplemented(grown)) return grown;
  }
  if (cure == Cure::kForeignDelete) TM_RETURN_IF_ERROR(disk.ForeignDelete());
  const std::string name = "cure_" + std::string(CureName(cure));
  tally.Plan(name);
  tally.Fire(name);
  return absl::OkStatus();
}

// Space given later tells nothing of what was not synced: only a start that has recovered does.
absl::Status ExpectStillFailed(Disk& disk, Cluster& cluster, const CyclePlan& plan,
                               std::int64_t took_before, Tally& tally) {
  if (plan.competitor) {
    const auto took =
        support::WaitFor([&] { return disk.competitor_took() - took_before >= base::kMiB; },
                         support::kLongWait, "the competitor to take what was given");
    TM_RETURN_IF_ERROR(Expect(took, took.message()));
    tally.Fire("competitor");
  }
  TM_RETURN_IF_ERROR(Reconnect(cluster, 1, kFailed, 0, tally));
  const absl::Status only = cluster.watcher().OnlyEver(cluster.all(), kFailed, false);
  if (!only.ok()) tally.Count("unearned_online");
  tally.Count("looks", cluster.watcher().looks());
  return only;
}

absl::Status StartAgain(Disk& disk, Cluster& cluster, const CyclePlan& plan, Tally& tally) {
  if (plan.competitor) TM_RETURN_IF_ERROR(disk.StopCompeting());
  TM_RETURN_IF_ERROR(cluster.CountFailedCalls(tally));
  cluster.KillAgent();
  TM_RETURN_IF_ERROR(cluster.StartAgent());
  tally.Count("kills");
  TM_RETURN_IF_ERROR(cluster.WaitForStatus(sc::v1::PARTITION_STATUS_ONLINE, true));
  TM_ASSIGN_OR_RETURN(const std::int64_t held, disk.ReserveHeldBytes());
  return Expect(held >= kReserveBytes, absl::StrFormat("the reserve has %d bytes", held));
}

// What was acknowledged since is on the disk, and not only in the page cache.
absl::Status ForgetTheCache(Disk& disk, Cluster& cluster, Tally& tally) {
  tally.Plan("remount");
  TM_RETURN_IF_ERROR(cluster.CountFailedCalls(tally));
  cluster.KillAgent();
  TM_RETURN_IF_ERROR(disk.Remount());
  TM_RETURN_IF_ERROR(cluster.StartAgent());
  TM_RETURN_IF_ERROR(cluster.WaitForStatus(sc::v1::PARTITION_STATUS_ONLINE, true));
  tally.Fire("remount");
  return absl::OkStatus();
}

}  // namespace

absl::Status RunThinCycle(Disk& disk, Cluster& cluster, const CyclePlan& plan, int reconnects,
                          Tally& tally) {
  TM_RETURN_IF_ERROR(base::Annotate(disk.MakeHeadroom(), "make headroom"));
  TM_RETURN_IF_ERROR(base::Annotate(WriteUntilTheSyncFails(disk, cluster, tally), "fill"));
  TM_RETURN_IF_ERROR(base::Annotate(cluster.ReadEverything(), "read while failed"));
  TM_RETURN_IF_ERROR(
      base::Annotate(Reconnect(cluster, std::max(0, reconnects - 1), kFailed, 0, tally),
                     "reconnect while failed"));
  const std::int64_t took_before = disk.competitor_took();
  if (plan.competitor) {
    tally.Plan("competitor");
    TM_RETURN_IF_ERROR(disk.StartCompeting());
  }
  TM_RETURN_IF_ERROR(base::Annotate(GiveThePoolSpace(disk, plan, tally), "cure"));
  TM_RETURN_IF_ERROR(
      base::Annotate(ExpectStillFailed(disk, cluster, plan, took_before, tally), "still failed"));
  TM_RETURN_IF_ERROR(base::Annotate(StartAgain(disk, cluster, plan, tally), "start again"));
  TM_ASSIGN_OR_RETURN(const Written written, cluster.Write(cluster.all(), kFewBytes));
  TM_RETURN_IF_ERROR(Expect(written.refused.empty() && !written.failed,
                            "recovered, and refused all the same: " + written.why));
  TM_RETURN_IF_ERROR(base::Annotate(ForgetTheCache(disk, cluster, tally), "remount"));
  TM_RETURN_IF_ERROR(base::Annotate(cluster.TrimEverything(), "read and trim"));
  TM_RETURN_IF_ERROR(disk.ForeignDelete());
  tally.Count("cycles");
  return Expect(cluster.ledger().unread() == 0, "acknowledged records were never read back");
}

}  // namespace tidemark::disks
