// tidemark-faults: a scripted day of a volume, lived again and again, with a fault at each of its
// calls.
//
//   tidemark-faults --sweep KINDS         every call of the day once for each kind
//   tidemark-faults --for 4h              calls and kinds at random, also two faults in one day
//   tidemark-faults --kind eio --at 17    one run; or --at 'sync tidemark/verdict.slots #2'
//   tidemark-faults --calls               the calls of an undisturbed day, by number
//   tidemark-faults --list                the kinds; KINDS: some (kill,eio), all, kills, io
//     --of KINDS       with --for: only these (default: all)
//     --seed N         where chance begins
//     --stride N       only every N-th call of a sweep
//     --stall 30s      how long a stalled call takes
//     --workers N      days lived at the same time (default: six for each processor)
//     --json           the last line of stdout says what came of it, in JSON
//
// Exit codes: 0 every promise was kept and every planned fault struck, 1 a promise was broken, 2
// usage, 3 void: a planned fault struck nothing, 75 this machine cannot mount a small filesystem.
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/byte_size.h"
#include "cli/json_object.h"
#include "daemon/json_text.h"
#include "daemon/process_setup.h"
#include "tests/integration/faults/fault_plans.h"
#include "tests/integration/faults/sweep.h"
#include "tests/integration/story/guardian.h"

namespace tidemark::faults {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kViolated = 1;
constexpr int kUsage = 2;
constexpr int kVoid = 3;
constexpr int kTryElsewhere = 75;
constexpr int kDaysMeasured = 6;

struct Options {
  std::string sweep;
  std::string of = "all";
  std::string kind;
  std::uint64_t at = 0;
  std::optional<NamedCall> call;
  base::Duration duration{0};
  base::Duration stall = std::chrono::seconds(30);
  PlanOptions plans;
  int workers = 6 * static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  bool calls = false;
  bool list = false;
  bool json = false;

  bool SweepsAll() const { return !sweep.empty() && plans.stride == 1; }
};

std::string JsonArray(const std::vector<std::string>& texts) {
  const auto each = [](std::string* out, const std::string& s) { *out += daemon::JsonString(s); };
  return absl::StrFormat("[%s]", absl::StrJoin(texts, ",", each));
}

// What a sweep of all calls has left out, also after it was asked for by name.
std::vector<std::string> NeverStruck(const Options& options, const DayLength& day,
                                     const SweepResult& result) {
  std::vector<std::string> never;
  if (!options.SweepsAll()) return never;
  for (const RunPlan& plan : RestOf(KindsNamed(options.sweep), day, result.struck, options.plans)) {
    never.push_back(plan.ToString());
  }
  return never;
}

std::string Json(const Options& options, const DayLength& day, const SweepResult& result,
                 double seconds) {
  cli::JsonObject fired;
  for (const auto& [kind, times] : result.fired) fired.Add(kind, times);
  cli::JsonObject summary;
  summary.Add("ok", result.ok() && NeverStruck(options, day, result).empty())
      .Add("seed", std::string_view(std::to_string(options.plans.seed)))
      .Add("seconds", seconds)
      .AddJson("fired", fired.ToString())
      .Add("runs", result.runs)
      .Add("calls_a_day", static_cast<std::int64_t>(day.longest))
      .Add("calls_always", std::ssize(day.always))
      .AddJson("never_struck", JsonArray(NeverStruck(options, day, result)))
      .Add("beyond_the_end", result.beyond_the_end)
      .Add("lived_to_the_end", result.lived_to_the_end)
      .Add("acknowledged", result.acknowledged)
      .Add("bytes_lost", result.bytes_lost)
      .Add("looks", result.looks)
      .AddJson("void", JsonArray(result.voided))
      .AddJson("violations", JsonArray(result.violations));
  return summary.ToString();
}

// One line now and then, and one for each broken promise.
class Progress {
 public:
  void OnRun(const RunPlan& plan, const RunResult& run, const SweepResult& so_far) {
    if (!run.violations.empty()) std::cerr << so_far.violations.back() << std::endl;
    if (plan.kind != nullptr && !run.fired) std::cerr << "void: " << plan.ToString() << std::endl;
    constexpr std::chrono::seconds kEvery{10};
    if (Clock::now() < next_) return;
    next_ = Clock::now() + kEvery;
    std::cerr << absl::StrFormat("%d runs, %d violations, %d void", so_far.runs,
                                 so_far.violations.size(), so_far.voided.size())
              << std::endl;
  }

 private:
  Clock::time_point next_ = Clock::now();
};

absl::StatusOr<SweepResult> PlayPlans(Sweep& sweep, const Options& options, const DayLength& day) {
  Progress progress;
  std::map<std::string, std::set<std::string>> struck;
  const auto on_run = [&](const RunPlan& plan, const RunResult& run, const SweepResult& so_far) {
    progress.OnRun(plan, run, so_far);
    struck = so_far.struck;
    if (!options.kind.empty()) std::cerr << "the day was stopped by: " << run.stopped_by << '\n';
  };
  if (options.duration > base::Duration(0)) {
    RandomPlans plans(KindsNamed(options.of), day, options.plans);
    const auto end = Clock::now() + options.duration;
    return sweep.Play(
        [&]() -> std::optional<RunPlan> {
          return Clock::now() < end ? std::optional(plans.Next()) : std::nullopt;
        },
        on_run);
  }
  std::vector<RunPlan> plans;
  if (!options.sweep.empty()) plans = SweepOf(KindsNamed(options.sweep), day, options.plans);
  if (!options.kind.empty()) {
    plans.push_back(PlanOf(*FindFaultKind(options.kind), options.at, options.plans));
    plans.back().only = options.call;
  }
  std::size_t taken = 0;
  bool rest = options.SweepsAll();
  return sweep.Play(
      [&]() -> std::optional<RunPlan> {
        if (taken == plans.size() && std::exchange(rest, false)) {
          std::ranges::copy(RestOf(KindsNamed(options.sweep), day, struck, options.plans),
                            std::back_inserter(plans));
        }
        return taken < plans.size() ? std::optional(plans[taken++]) : std::nullopt;
      },
      on_run);
}

int Play(const Options& options) {
  daemon::SetUpProcess();
  umask(022);
  setenv("GRPC_VERBOSITY", "NONE", 0);
  const auto begin = Clock::now();
  const std::string here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  auto sweep = Sweep::Create(options.workers, here + "/libtidemark-fault-shim.so");
  if (!sweep.ok()) {
    std::cerr << "tidemark-faults: " << sweep.status().message() << '\n';
    return absl::IsUnimplemented(sweep.status()) ? kTryElsewhere : kViolated;
  }
  const auto day = (*sweep)->MeasureDay(options.calls ? 1 : kDaysMeasured);
  if (day.ok() && options.calls) {
    for (const NamedCall& call : day->first) std::cout << call.number << ' ' << call.name() << '\n';
    return 0;
  }
  const auto result = day.ok() ? PlayPlans(**sweep, options, *day) : day.status();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (!result.ok()) {
    std::cerr << "tidemark-faults: " << result.status().message() << '\n';
    return kViolated;
  }
  std::cerr << absl::StrFormat(
      "a day has %d to %d calls; %d runs in %.1f s, seed %d, %d violations, %d void, %d beyond the "
      "end of their day; faults that struck: %s\n",
      day->shortest, day->longest, result->runs, seconds, options.plans.seed,
      result->violations.size(), result->voided.size(), result->beyond_the_end,
      absl::StrJoin(result->fired, ", ", absl::PairFormatter(" ")));
  if (options.json) std::cout << Json(options, *day, *result, seconds) << std::endl;
  if (!result->violations.empty()) return kViolated;
  const std::vector<std::string> never = NeverStruck(options, *day, *result);
  for (const std::string& plan : never) std::cerr << "never struck: " << plan << '\n';
  return result->ok() && never.empty() ? 0 : kVoid;
}

int Usage() {
  std::cerr
      << "usage: tidemark-faults --list | --calls | --sweep KINDS | --for DURATION [--of KINDS] "
         "| --kind KIND --at N\n"
         "         [--seed N] [--stride N] [--stall DURATION] [--workers N] [--json]\n";
  return kUsage;
}

template <typename Number>
bool ReadNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool ReadDuration(std::string_view text, base::Duration& duration) {
  const auto parsed = base::ParseDuration(text);
  if (parsed.ok()) duration = *parsed;
  return parsed.ok();
}

bool ReadKinds(std::string_view text, std::string& kinds) {
  kinds = std::string(text);
  return !KindsNamed(text).empty();
}

// False: not understood.
bool ReadOption(std::string_view name, std::string_view value, Options& options) {
  if (name == "--sweep") return ReadKinds(value, options.sweep);
  if (name == "--of") return ReadKinds(value, options.of);
  if (name == "--kind") {
    options.kind = std::string(value);
    return FindFaultKind(value) != nullptr;
  }
  if (name == "--at" && ReadNumber(value, options.at)) return options.at > 0;
  if (name == "--at") {
    options.at = 1;
    options.call = ParseCallName(value);
    return options.call.has_value();
  }
  if (name == "--seed") return ReadNumber(value, options.plans.seed);
  if (name == "--stride") {
    return ReadNumber(value, options.plans.stride) && options.plans.stride > 0;
  }
  if (name == "--workers") return ReadNumber(value, options.workers) && options.workers > 0;
  if (name == "--for") return ReadDuration(value, options.duration);
  if (name == "--stall") return ReadDuration(value, options.stall);
  return false;
}

int Main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      options.json = true;
    } else if (word == "--list") {
      options.list = true;
    } else if (word == "--calls") {
      options.calls = true;
    } else if (i + 1 < argc && ReadOption(word, argv[i + 1], options)) {
      ++i;
    } else {
      return Usage();
    }
  }
  if (options.list) {
    for (const FaultKind& kind : FaultKinds()) std::cout << kind.name << '\n';
    return 0;
  }
  const bool one_run = !options.kind.empty() && options.at > 0;
  if (options.sweep.empty() && !one_run && !options.calls &&
      options.duration <= base::Duration(0)) {
    return Usage();
  }
  options.plans.stall_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(options.stall).count());
  return story::RunGuarded(false, [&options](const auto&) { return Play(options); });
}

}  // namespace
}  // namespace tidemark::faults

int main(int argc, char** argv) { return tidemark::faults::Main(argc, argv); }
