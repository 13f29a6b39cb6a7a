#include "tests/integration/network/campaign.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "tests/support/await.h"

namespace tidemark::network {
namespace {}  // namespace

std::string Campaign::Named(const Fault& fault, std::string_view what) const {
  return absl::StrFormat("fault %d, %s: %s", faults_, fault.name, what);
}

absl::Status Campaign::PlayRound() {
  std::vector<const Fault*> round;
  for (const Fault& fault : Faults()) round.push_back(&fault);
  std::ranges::shuffle(round, random_);
  for (const Fault* fault : round) TM_RETURN_IF_ERROR(Play(*fault));
  return arena_.ReadAndTrim();
}

absl::Status Campaign::Play(const Fault& fault) {
  ++faults_;
  TM_ASSIGN_OR_RETURN(const Agreement before, arena_.AwaitAgreement());
  story::StatusWatcher& watcher = *arena_.stage().watcher;
  TM_RETURN_IF_ERROR(watcher.AwaitCaughtUp(arena_.stage().full_partitions, kFull));
  TM_RETURN_IF_ERROR(watcher.AwaitCaughtUp(arena_.stage().calm_partitions, kOnline));
  watcher.BeginChapter();
  TM_RETURN_IF_ERROR(Bite(fault, before));
  const base::MonotonicTime ended = clock_.Now();
  TM_RETURN_IF_ERROR(fault.end(arena_));
  auto after = arena_.AwaitAgreement(fault.new_session ? before.session : 0);
  if (!after.ok()) {
    violations_.push_back(Named(fault, std::string(after.status().message())));
    return after.status();
  }
  const std::int64_t took_ms = (clock_.Now() - ended) / std::chrono::milliseconds(1);
  Convergence& convergence = by_fault_[fault.name];
  ++convergence.times;
  convergence.total_ms += took_ms;
  convergence.max_ms = std::max(convergence.max_ms, took_ms);
  if (took_ms > kConvergence / std::chrono::milliseconds(1)) {
    late_.push_back(Named(fault, absl::StrFormat("converged after %d ms", took_ms)));
  }
  if (fault.unnoticed) {
    TM_RETURN_IF_ERROR(arena_.Pass(2 * kLease, /*spu_serves=*/true));
    after = arena_.AwaitAgreement();
    TM_RETURN_IF_ERROR(after.status());
  }
  absl::Status seen = CheckSightings(fault, before, *after);
  if (!seen.ok()) violations_.push_back(Named(fault, std::string(seen.message())));
  reporter_.Note(Named(
      fault, absl::StrFormat("converged in %d ms%s", took_ms,
                             seen.ok() ? "" : ", VIOLATION: " + std::string(seen.message()))));
  return arena_.stage().ProveCalm();
}

absl::Status Campaign::Bite(const Fault& fault, const Agreement& before) {
  TM_RETURN_IF_ERROR(fault.strike(arena_));
  if (absl::Status bitten = fault.bitten(arena_, before); !bitten.ok()) {
    misfired_.push_back(Named(fault, std::string(bitten.message())));
    return bitten;
  }
  if (!fault.keeps_up) return absl::OkStatus();
  std::uniform_int_distribution<std::int64_t> longer(0, (2 * kLease).count());
  return arena_.Pass(base::Duration(longer(random_)), fault.spu_serves);
}

// The watcher has looked at everything since, so that its chapter ends with what is shown now.
absl::Status Campaign::AwaitSightings() {
  const auto& stage = arena_.stage();
  const auto looked = support::WaitFor(
      [&] {
        for (const auto& partitions : {stage.full_partitions, stage.calm_partitions}) {
          for (const std::uint64_t partition : partitions) {
            if (!stage.watcher->LastSeenReachable(partition)) return false;
          }
        }
        return true;
      },
      support::kLongWait, "the watcher to see it too");
  return story::Expect(looked, looked.message());
}

absl::Status Campaign::CheckSightings(const Fault& fault, const Agreement& before,
                                      const Agreement& after) {
  TM_RETURN_IF_ERROR(AwaitSightings());
  const auto& stage = arena_.stage();
  TM_RETURN_IF_ERROR(stage.watcher->OnlyEver(stage.full_partitions, kFull, false));
  TM_RETURN_IF_ERROR(
      story::Expect(after.episode == before.episode,
                    absl::StrFormat("episode %d became %d", before.episode, after.episode)));
  TM_RETURN_IF_ERROR(story::Expect(after.full_generation >= before.full_generation &&
                                       after.calm_generation >= before.calm_generation,
                                   "a generation went back"));
  if (fault.unnoticed) {
    TM_RETURN_IF_ERROR(stage.watcher->OnlyEver(stage.calm_partitions, kOnline, false));
    for (const auto& partitions : {stage.full_partitions, stage.calm_partitions}) {
      for (const std::uint64_t partition : partitions) {
        TM_RETURN_IF_ERROR(story::Expect(stage.watcher->TimesLost(partition) == 0,
                                         "a clock's jump made the SPU unreachable"));
      }
    }
    return story::Expect(after.session == before.session &&
                             after.full_generation == before.full_generation &&
                             after.calm_generation == before.calm_generation,
                         "a clock's jump moved the session or a generation");
  }
  for (const std::uint64_t partition : stage.calm_partitions) {
    for (const std::string& status : stage.watcher->StatusesSeen(partition)) {
      TM_RETURN_IF_ERROR(
          story::Expect(status == "Online" || status == "LeaderOffline",
                        absl::StrFormat("partition id %d, whose volume has space, was shown as %s",
                                        partition, status)));
    }
  }
  return absl::OkStatus();
}

void Campaign::Finish() {
  if (absl::Status finished = arena_.Finish(); !finished.ok()) {
    violations_.push_back(absl::StrFormat("at the end: %s", std::string(finished.message())));
  }
}

std::int64_t Campaign::converged_max_ms() const {
  std::int64_t max = 0;
  for (const auto& [name, convergence] : by_fault_) max = std::max(max, convergence.max_ms);
  return max;
}

}  // namespace tidemark::network
