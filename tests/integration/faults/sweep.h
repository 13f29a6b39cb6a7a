// Plays many runs on several clusters at once and counts what came of them.
//
// Lifetime:  Create() before the process has threads; Play() as often as wanted.
// Threading: Play() blocks; its workers are threads of this process. `on_run` comes from one worker
//            at a time.
// Errors:    kUnimplemented where this machine cannot mount; kInternal where the rig failed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/integration/faults/fault_run.h"

namespace tidemark::faults {

struct SweepResult {
  std::int64_t runs = 0;
  std::map<std::string, std::int64_t> fired;  // by kind; "then KIND" where it was the second
  std::map<std::string, std::set<std::string>> struck;  // names of calls, by kind
  std::int64_t beyond_the_end = 0;  // the day was too short for it, as it may be
  std::int64_t acknowledged = 0;
  std::int64_t bytes_lost = 0;
  std::int64_t looks = 0;
  std::int64_t lived_to_the_end = 0;
  std::vector<std::string> voided;  // runs whose fault struck nothing, in all its tries
  std::vector<std::string> violations;

  bool ok() const { return runs > 0 && voided.empty() && violations.empty(); }
  void Add(const RunPlan& plan, const RunResult& result);
};

// The calls of undisturbed days, several of them: threads overlap, so that the same call has not
// always the same number, and a day not always as many.
struct DayLength {
  std::size_t shortest = 0;
  std::size_t longest = 0;
  std::vector<NamedCall> first;  // of the first of the days
  std::set<std::string> always;  // names of those that there were on each of the days

  void Add(const std::vector<NamedCall>& day);
  // The numbers it is swept over: those at which it strikes a call of its own.
  std::vector<std::uint64_t> NumbersFor(const FaultKind& kind) const;
  // Those of `always` that it can strike.
  std::set<std::string> NamesFor(const FaultKind& kind) const;
};

class Sweep {
 public:
  static absl::StatusOr<std::unique_ptr<Sweep>> Create(int workers, const std::string& library);

  absl::StatusOr<DayLength> MeasureDay(int days);
  // `next` gives the plans; nullopt ends it. Called from one worker at a time.
  absl::StatusOr<SweepResult> Play(
      const std::function<std::optional<RunPlan>()>& next,
      const std::function<void(const RunPlan&, const RunResult&, const SweepResult&)>& on_run);

 private:
  struct Playing;
  static void Work(Cluster& cluster, Playing& playing);

  std::vector<std::unique_ptr<Cluster>> clusters_;
};

}  // namespace tidemark::faults
