// tidemark-faults: a scripted day of a volume, lived again and again, with a fault at each of its
// calls.
//
//   tidemark-faults --sweep KIND[,KIND…]       every call of the day once for each kind
//   tidemark-faults --for 4h --seed 7          all kinds at random calls, also two in one day
//   tidemark-faults --kind eio --at 17         one run
//   tidemark-faults --list                     the kinds
//     --workers N      days lived at the same time (default: twice the processors)
//     --stall 30s      how long a stalled call takes
//     --stride N       only every N-th call of a sweep
//     --json           the last line of stdout says what came of it, in JSON
//
// Exit codes: 0 every promise was kept and every planned fault struck, 1 not so, 2 usage, 75 this
// machine cannot mount a small filesystem.
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/byte_size.h"
#include "daemon/process_setup.h"
#include "tests/integration/faults/sweep.h"
#include "tests/integration/story/guardian.h"

namespace tidemark::faults {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kTryElsewhere = 75;
constexpr int kDaysMeasured = 4;

struct Options {
  std::vector<std::string> sweep;
  std::string kind;
  std::uint64_t at = 0;
  base::Duration duration{0};
  base::Duration stall = std::chrono::seconds(30);
  std::uint64_t seed = 4528;
  std::uint64_t stride = 1;
  int workers = 2 * static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  bool list = false;
  bool json = false;
};

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? "\\n" : std::string(1, static_cast<unsigned char>(c) < ' ' ? ' ' : c);
  }
  return quoted + '"';
}

std::string Json(const Options& options, const DayLength& day, const SweepResult& result,
                 double seconds) {
  const auto each = [](std::string* out, const std::string& text) { *out += Quoted(text); };
  const auto counted = [](std::string* out, const auto& entry) {
    absl::StrAppendFormat(out, "%s:%d", Quoted(entry.first), entry.second);
  };
  return absl::StrFormat(
      "{\"ok\":%s,\"seed\":%d,\"calls_a_day\":%d,\"runs\":%d,\"fired\":{%s},\"void\":[%s],"
      "\"violations\":[%s],\"lived_to_the_end\":%d,\"acknowledged\":%d,\"bytes_lost\":%d,"
      "\"looks\":%d,\"seconds\":%.1f}",
      result.ok() ? "true" : "false", options.seed, day.shortest, result.runs,
      absl::StrJoin(result.fired, ",", counted), absl::StrJoin(result.voided, ",", each),
      absl::StrJoin(result.violations, ",", each), result.lived_to_the_end, result.acknowledged,
      result.bytes_lost, result.looks, seconds);
}

RunPlan PlanOf(const Options& options, const FaultKind* kind, std::uint64_t from) {
  RunPlan plan;
  plan.kind = kind;
  plan.from = from;
  plan.seed = options.seed + from;
  // A sweep has no time to look twice where nothing was cut short.
  plan.starts_twice = options.sweep.empty() || kind->kills();
  plan.stall_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(options.stall).count());
  return plan;
}

std::vector<RunPlan> SweptPlans(const Options& options, const DayLength& day) {
  std::vector<RunPlan> plans;
  for (const std::string& name : options.sweep) {
    const FaultKind* kind = FindFaultKind(name);
    const auto numbers = day.NumbersFor(*kind);
    for (std::size_t i = 0; i < numbers.size(); i += options.stride) {
      plans.push_back(PlanOf(options, kind, numbers[i]));
    }
  }
  return plans;
}

// All kinds at all calls in random order, again and again. Every third run has a second fault.
class RandomPlans {
 public:
  RandomPlans(const Options& options, DayLength day)
      : options_(options), day_(std::move(day)), random_(options.seed) {}

  RunPlan Next() {
    if (left_.empty()) Refill();
    RunPlan plan = left_.back();
    left_.pop_back();
    plan.seed = random_();
    constexpr std::uint64_t kApartMax = 40;
    if (random_() % 3 == 0) {
      const auto kinds = FaultKinds();
      plan.second = &kinds[random_() % kinds.size()];
      if (plan.second->deed == Deed::kStall) plan.second = FindFaultKind("power-cut");
      plan.second_after = 1 + random_() % kApartMax;
    }
    return plan;
  }

 private:
  void Refill() {
    for (const FaultKind& kind : FaultKinds()) {
      std::vector<std::uint64_t> numbers = day_.NumbersFor(kind);
      std::ranges::shuffle(numbers, random_);
      // A stall takes as long as a hundred other runs.
      constexpr std::size_t kStalls = 4;
      if (kind.deed == Deed::kStall) numbers.resize(std::min(numbers.size(), kStalls));
      for (const std::uint64_t number : numbers) left_.push_back(PlanOf(options_, &kind, number));
    }
    std::ranges::shuffle(left_, random_);
  }

  const Options& options_;
  const DayLength day_;
  std::mt19937_64 random_;
  std::vector<RunPlan> left_;
};

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
  const auto on_run = [&](const RunPlan& plan, const RunResult& run, const SweepResult& so_far) {
    progress.OnRun(plan, run, so_far);
    if (!options.kind.empty()) std::cerr << "the day was stopped by: " << run.stopped_by << '\n';
  };
  if (options.duration > base::Duration(0)) {
    RandomPlans plans(options, day);
    const auto end = Clock::now() + options.duration;
    return sweep.Play(
        [&]() -> std::optional<RunPlan> {
          return Clock::now() < end ? std::optional(plans.Next()) : std::nullopt;
        },
        on_run);
  }
  std::vector<RunPlan> plans = SweptPlans(options, day);
  if (!options.kind.empty()) {
    plans.push_back(PlanOf(options, FindFaultKind(options.kind), options.at));
  }
  std::ranges::reverse(plans);  // taken from the back
  return sweep.Play(
      [&]() -> std::optional<RunPlan> {
        if (plans.empty()) return std::nullopt;
        const RunPlan plan = plans.back();
        plans.pop_back();
        return plan;
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
    return absl::IsUnimplemented(sweep.status()) ? kTryElsewhere : kFailed;
  }
  const auto day = (*sweep)->MeasureDay(kDaysMeasured);
  const auto result = day.ok() ? PlayPlans(**sweep, options, *day) : day.status();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (!result.ok()) {
    std::cerr << "tidemark-faults: " << result.status().message() << '\n';
    return kFailed;
  }
  std::cerr << absl::StrFormat(
      "a day has %d to %d calls, %d of them syncs; %d runs in %.1f s, faults that struck: %s\n",
      day->shortest, day->longest, day->syncs.size(), result->runs, seconds,
      absl::StrJoin(result->fired, ", ", absl::PairFormatter(" ")));
  if (options.json) std::cout << Json(options, *day, *result, seconds) << std::endl;
  return result->ok() ? 0 : kFailed;
}

int Usage() {
  std::cerr << "usage: tidemark-faults --list | --sweep KIND[,KIND…] | --for DURATION [--seed N] | "
               "--kind KIND --at N [--workers N] [--stall DURATION] [--stride N] [--json]\n";
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

// False: not understood.
bool ReadOption(std::string_view name, std::string_view value, Options& options) {
  if (name == "--sweep") options.sweep = absl::StrSplit(std::string(value), ',');
  if (name == "--kind") options.kind = std::string(value);
  if (name == "--sweep" || name == "--kind") return true;
  if (name == "--at") return ReadNumber(value, options.at);
  if (name == "--seed") return ReadNumber(value, options.seed);
  if (name == "--stride") return ReadNumber(value, options.stride) && options.stride > 0;
  if (name == "--workers") return ReadNumber(value, options.workers) && options.workers > 0;
  if (name == "--for") return ReadDuration(value, options.duration);
  if (name == "--stall") return ReadDuration(value, options.stall);
  return false;
}

int Main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json" || word == "--list") {
      (word == "--json" ? options.json : options.list) = true;
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
  std::vector<std::string> names = options.sweep;
  if (!options.kind.empty()) names.push_back(options.kind);
  const bool known = std::ranges::all_of(
      names, [](const std::string& name) { return FindFaultKind(name) != nullptr; });
  if (!known || (names.empty() && options.duration == base::Duration(0))) return Usage();
  return story::RunGuarded(false, [&options](const auto&) { return Play(options); });
}

}  // namespace
}  // namespace tidemark::faults

int main(int argc, char** argv) { return tidemark::faults::Main(argc, argv); }
