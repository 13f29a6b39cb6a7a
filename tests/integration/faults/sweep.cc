#include "tests/integration/faults/sweep.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/mutex.h"
#include "base/status_macros.h"

namespace tidemark::faults {
namespace {

// A run whose fault found no call to strike is played again: the calls of a day do not always come
// in quite the same number. So is one whose SC was ended by a stranger (a `pkill` elsewhere on the
// machine).
constexpr int kTries = 3;

}  // namespace

void SweepResult::Add(const RunPlan& plan, const RunResult& result) {
  ++runs;
  if (plan.kind != nullptr && result.fired) ++fired[std::string(plan.kind->name)];
  if (plan.second != nullptr && result.second_fired) {
    ++fired[absl::StrFormat("then %s", plan.second->name)];
  }
  acknowledged += result.acknowledged;
  bytes_lost += result.bytes_lost;
  looks += result.looks;
  if (result.stopped_by.empty()) ++lived_to_the_end;
  if (plan.kind != nullptr && !result.fired) voided.push_back(plan.ToString());
  if (result.violations.empty()) return;
  violations.push_back(absl::StrFormat("%s: %s\n  the day was stopped by: %s\n%s%s", plan.ToString(),
                                       absl::StrJoin(result.violations, "\n  "), result.stopped_by,
                                       result.calls, result.log));
}

std::uint64_t DayLength::LastFor(const FaultKind& kind) const {
  if (kind.calls == BitOf(Call::kSync)) return last_sync;
  if (kind.calls == BitOf(Call::kWrite)) return last_write;
  // Space is taken until the retained topic is made and filled, well before the end.
  return kind.calls == kEveryCall ? shortest : shortest / 2;
}

std::vector<std::uint64_t> DayLength::NumbersFor(const FaultKind& kind) const {
  std::vector<std::uint64_t> numbers;
  const auto up_to = [&](const std::vector<std::uint64_t>& of) {
    std::ranges::copy_if(of, std::back_inserter(numbers),
                         [&](std::uint64_t number) { return number <= LastFor(kind); });
  };
  if (kind.calls == BitOf(Call::kSync)) {
    up_to(syncs);
  } else if (kind.calls == BitOf(Call::kWrite)) {
    up_to(writes);
  } else {
    for (std::uint64_t n = 1; n <= LastFor(kind); ++n) numbers.push_back(n);
  }
  return numbers;
}

absl::StatusOr<std::unique_ptr<Sweep>> Sweep::Create(int workers, const std::string& library) {
  std::unique_ptr<Sweep> sweep(new Sweep);
  for (int i = 0; i < workers; ++i) {
    TM_ASSIGN_OR_RETURN(sweep->clusters_.emplace_back(), Cluster::Create(library));
  }
  return sweep;
}

absl::StatusOr<DayLength> Sweep::MeasureDay(int days) {
  DayLength length;
  int left = days;
  absl::Status failure;
  const auto measure = [&](const RunPlan&, const RunResult& day, const SweepResult&) {
    if (!day.violations.empty()) {
      failure = absl::FailedPreconditionError(absl::StrFormat(
          "an undisturbed day failed: %s\n%s", absl::StrJoin(day.violations, "\n"), day.log));
      return;
    }
    const auto last = [](const std::vector<std::uint64_t>& numbers) {
      return numbers.empty() ? 0 : *std::ranges::max_element(numbers);
    };
    const bool first = length.longest == 0;
    const auto shorter = [first](std::uint64_t before, std::uint64_t now) {
      return first ? now : std::min(before, now);
    };
    length.shortest = shorter(length.shortest, day.day_calls);
    length.longest = std::max(length.longest, day.day_calls);
    length.last_sync = shorter(length.last_sync, last(day.sync_numbers));
    length.last_write = shorter(length.last_write, last(day.write_numbers));
    if (!first) return;
    length.syncs = day.sync_numbers;
    length.writes = day.write_numbers;
    length.calls = day.calls;
  };
  TM_RETURN_IF_ERROR(Play(
                         [&]() -> std::optional<RunPlan> {
                           return left-- > 0 ? std::optional<RunPlan>(RunPlan{}) : std::nullopt;
                         },
                         measure)
                         .status());
  TM_RETURN_IF_ERROR(failure);
  return length;
}

struct Sweep::Playing {
  const std::function<std::optional<RunPlan>()>& next;
  const std::function<void(const RunPlan&, const RunResult&, const SweepResult&)>& on_run;
  base::Mutex mutex;
  SweepResult result TM_GUARDED_BY(mutex);
  absl::Status failure TM_GUARDED_BY(mutex);
};

void Sweep::Work(Cluster& cluster, Playing& playing) {
  for (;;) {
    std::optional<RunPlan> plan;
    {
      base::MutexLock lock(playing.mutex);
      if (playing.failure.ok()) plan = playing.next();
    }
    if (!plan.has_value()) return;
    absl::StatusOr<RunResult> run = RunDay(cluster, *plan);
    const auto is_void = [&] {
      return cluster.ControllerWasStopped() || (run.ok() && plan->kind != nullptr && !run->fired);
    };
    for (int tries = 1; tries < kTries && is_void(); ++tries) run = RunDay(cluster, *plan);
    base::MutexLock lock(playing.mutex);
    if (!run.ok()) {
      playing.failure = absl::InternalError(absl::StrFormat(
          "%s: the rig failed: %s\n%s", plan->ToString(), run.status().ToString(), cluster.Logs()));
      return;
    }
    playing.result.Add(*plan, *run);
    playing.on_run(*plan, *run, playing.result);
  }
}

absl::StatusOr<SweepResult> Sweep::Play(
    const std::function<std::optional<RunPlan>()>& next,
    const std::function<void(const RunPlan&, const RunResult&, const SweepResult&)>& on_run) {
  Playing playing{.next = next, .on_run = on_run};
  {
    std::vector<std::jthread> workers;
    for (const auto& cluster : clusters_) {
      workers.emplace_back([&playing, &cluster = *cluster] { Work(cluster, playing); });
    }
  }
  base::MutexLock lock(playing.mutex);
  if (!playing.failure.ok()) return playing.failure;
  return playing.result;
}

}  // namespace tidemark::faults
