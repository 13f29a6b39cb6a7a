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
constexpr int kTries = 6;

}  // namespace

void SweepResult::Add(const RunPlan& plan, const RunResult& result) {
  ++runs;
  if (plan.kind != nullptr && result.fired) {
    ++fired[std::string(plan.kind->name)];
    struck[std::string(plan.kind->name)].insert(result.struck);
  }
  if (plan.second != nullptr && result.second_fired) {
    ++fired[absl::StrFormat("then %s", plan.second->name)];
  }
  acknowledged += result.acknowledged;
  bytes_lost += result.bytes_lost;
  looks += result.looks;
  if (result.stopped_by.empty()) ++lived_to_the_end;
  if (plan.kind != nullptr && !result.fired) {
    if (result.beyond_the_end) {
      ++beyond_the_end;
    } else {
      voided.push_back(plan.ToString());
    }
  }
  if (result.violations.empty()) return;
  violations.push_back(absl::StrFormat("%s: %s\n  the day was stopped by: %s\n%s%s",
                                       plan.ToString(), absl::StrJoin(result.violations, "\n  "),
                                       result.stopped_by, result.near, result.log));
}

void DayLength::Add(const std::vector<NamedCall>& day) {
  std::set<std::string> names;
  for (const NamedCall& call : day) names.insert(call.name());
  if (first.empty()) {
    first = day;
    shortest = day.size();
    always = names;
  }
  shortest = std::min(shortest, day.size());
  longest = std::max(longest, day.size());
  std::erase_if(always, [&](const std::string& name) { return !names.contains(name); });
}

std::vector<std::uint64_t> DayLength::NumbersFor(const FaultKind& kind) const {
  std::vector<std::uint64_t> numbers;
  if (kind.calls == kEveryCall) {
    for (std::uint64_t n = 1; n <= longest; ++n) numbers.push_back(n);
    return numbers;
  }
  for (const NamedCall& call : first) {
    if ((kind.calls & BitOf(call.call)) != 0) numbers.push_back(call.number);
  }
  return numbers;
}

std::set<std::string> DayLength::NamesFor(const FaultKind& kind) const {
  std::set<std::string> names;
  for (const NamedCall& call : first) {
    const bool can = (kind.calls & BitOf(call.call)) != 0;
    if (can && always.contains(call.name())) names.insert(call.name());
  }
  return names;
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
    length.Add(day.day);
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
