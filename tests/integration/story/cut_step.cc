#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "tests/integration/story/steps.h"

namespace tidemark::story {
namespace {

constexpr int kCuts = 10;

// OutOfSpace, and reachable or not: now, and to the watcher too, who only looks now and then.
absl::Status ShownToEverybody(const Stage& stage, bool reachable) {
  TM_RETURN_IF_ERROR(stage.WaitForStatus(stage.full_partitions, kFull, reachable));
  const auto noticed = support::WaitFor(
      [&] {
        return std::ranges::all_of(stage.full_partitions, [&](std::uint64_t partition) {
          return stage.watcher->LastSeenReachable(partition) == reachable;
        });
      },
      support::kLongWait, "the watcher to see it too");
  return Expect(noticed, noticed.message());
}

absl::Status CutAndMend(Stage& stage) {
  stage.wire->Cut();
  TM_RETURN_IF_ERROR(ShownToEverybody(stage, /*reachable=*/false));
  // The SPU serves what it was assigned while its SC is away.
  TM_RETURN_IF_ERROR(stage.ProveCalm());
  stage.wire->Restore();
  TM_RETURN_IF_ERROR(ShownToEverybody(stage, /*reachable=*/true));
  TM_RETURN_IF_ERROR(
      stage.WaitForStatus(stage.calm_partitions, sc::v1::PARTITION_STATUS_ONLINE, true));
  return stage.ProveCalm();
}

}  // namespace

absl::Status CutTheWire(Stage& stage) {
  for (int cut = 1; cut <= kCuts; ++cut) {
    TM_RETURN_IF_ERROR(CutAndMend(stage));
    stage.reporter.Note(absl::StrFormat(
        "cut %d of %d: REACHABLE no since …, then yes; STATUS OutOfSpace throughout", cut, kCuts));
  }
  TM_RETURN_IF_ERROR(stage.watcher->OnlyEver(stage.full_partitions, kFull, false));
  int lost = stage.wire->cuts();
  std::set<std::string> seen;
  for (const std::uint64_t partition : stage.full_partitions) {
    lost = std::min(lost, stage.watcher->TimesLost(partition));
    seen.merge(stage.watcher->StatusesSeen(partition));
  }
  TM_RETURN_IF_ERROR(Expect(
      lost >= kCuts, absl::StrFormat("the watcher saw REACHABLE go %d times of %d", lost, kCuts)));
  stage.reporter.Measure("cuts", static_cast<std::int64_t>(kCuts));
  stage.reporter.Measure("times_unreachable", static_cast<std::int64_t>(lost));
  stage.reporter.Measure("statuses_seen", std::string_view(absl::StrJoin(seen, ",")));
  stage.reporter.Measure("looks", stage.watcher->looks());
  return absl::OkStatus();
}

}  // namespace tidemark::story
