#include "tests/integration/disks/case_run.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "tests/integration/disks/cluster.h"
#include "tests/integration/disks/cycle.h"
#include "tests/integration/disks/disk.h"
#include "tests/integration/disks/thin_cycle.h"

namespace tidemark::disks {
namespace {

// Then everything anew: grown volumes do not grow for ever, a quota not above its filesystem, and
// less of a thin volume is unmapped with every cycle.
constexpr int kCyclesOfOneCluster = 12;
// Of one case; more is no accident.
constexpr int kGivenUpMax = 20;

struct Rig {
  std::unique_ptr<Disk> disk;
  std::unique_ptr<Cluster> cluster;
};

absl::StatusOr<Rig> MakeRig(const DiskCase& disk_case, std::uint64_t seed) {
  Rig rig;
  TM_ASSIGN_OR_RETURN(rig.disk, Disk::Create(disk_case));
  TM_ASSIGN_OR_RETURN(rig.cluster, Cluster::Create(*rig.disk, seed));
  return rig;
}

absl::Status RunOne(Rig& rig, const DiskCase& disk_case, int number, int reconnects,
                    std::uint64_t seed, Tally& tally) {
  const CyclePlan plan = PlanOf(disk_case, number);
  if (disk_case.cause == Cause::kThin) {
    return ThinCycle(*rig.disk, *rig.cluster, plan, reconnects, tally).Run();
  }
  return Cycle(*rig.disk, *rig.cluster, plan, reconnects, seed, tally).Run();
}

std::string Describe(const DiskCase& disk_case, int number) {
  const CyclePlan plan = PlanOf(disk_case, number);
  return absl::StrFormat("%s cycle %d (%s%s%s)", std::string(disk_case.name), number + 1,
                         std::string(CureName(plan.cure)), plan.competitor ? ", competitor" : "",
                         plan.kill_agent ? ", kill" : "");
}

}  // namespace

absl::Status RunCase(const DiskCase& disk_case, const CaseOptions& options, Tally& tally) {
  const base::SystemClock clock;
  Rig rig;
  int given_up = 0;
  for (int number = 0; number < options.cycles; ++number) {
    const auto left = options.reconnects - static_cast<int>(tally.measured["reconnects"]);
    if (number > 0 && options.until && clock.Now() >= *options.until) break;
    if (number % kCyclesOfOneCluster == 0 || rig.cluster == nullptr) {
      rig.cluster.reset();
      auto made = MakeRig(disk_case, options.seed + static_cast<std::uint64_t>(number));
      if (absl::IsUnimplemented(made.status())) return made.status();
      if (!made.ok()) {
        tally.violations.push_back(
            absl::StrFormat("%s: %s", std::string(disk_case.name), made.status().ToString()));
        return absl::OkStatus();
      }
      rig = *std::move(made);
    }
    const int cycles_left = options.cycles - number;
    const int reconnects =
        std::max(options.reconnects_each, (left + cycles_left - 1) / cycles_left);
    const base::MonotonicTime begun = clock.Now();
    Tally seen;
    absl::Status status =
        RunOne(rig, disk_case, number, reconnects,
               options.seed * 1'000'003 + static_cast<std::uint64_t>(number + given_up), seen);
    const bool give_up = !status.ok() && rig.cluster->FailedByQuota() && given_up < kGivenUpMax;
    if (give_up) {
      status = rig.cluster->RecoverFromFault();
      // What was planned is done by the cycle that takes this one's place.
      seen.planned.clear();
      seen.fired.clear();
      seen.Count("cycles_given_up_to_the_quota");
    }
    tally.Add(seen);
    const auto took = std::chrono::duration<double>(clock.Now() - begun).count();
    if (options.progress) {
      options.progress(absl::StrFormat("%s: %.1f s, %d reconnects so far",
                                       Describe(disk_case, number), took,
                                       tally.measured["reconnects"]));
    }
    if (status.ok() && give_up) {
      ++given_up;
      --number;
    }
    if (status.ok()) continue;
    tally.violations.push_back(absl::StrFormat("%s, seed %d: %s", Describe(disk_case, number),
                                               options.seed, status.ToString()));
    std::cerr << "VIOLATION " << tally.violations.back() << '\n' << rig.cluster->LogTails();
    break;
  }
  return absl::OkStatus();
}

}  // namespace tidemark::disks
