// tidemark-network: faults of network and time on real processes, in random order, for as long as
// told.
//
//   tidemark-network [--for DURATION] [--faults N] [--seed N] [--json]
//
// Plays whole rounds of every fault until both the time has passed and the number is reached (one
// round without either). Progress goes to standard error; the last line of standard output is one
// JSON object with --json, else one sentence.
//
// Exit codes: 0 nothing was seen that must not be, 1 something was (a convergence of more than the
// lease and 2 s counts), 2 usage, 3 void: a fault that was drawn did not fire, 75 this machine
// cannot mount a small filesystem.
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <iostream>
#include <random>
#include <string_view>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "cli/json_object.h"
#include "daemon/json_text.h"
#include "daemon/process_setup.h"
#include "tests/integration/network/campaign.h"
#include "tests/integration/story/guardian.h"

namespace tidemark::network {
namespace {

constexpr int kViolated = 1;
constexpr int kUsage = 2;
constexpr int kVoid = 3;
constexpr int kTryElsewhere = 75;

struct Options {
  base::Duration time{0};
  int faults = 0;
  std::uint64_t seed = std::random_device{}();
  bool json = false;
};

template <typename Number>
bool ParseNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::string Quoted(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    all += absl::StrFormat("%s%s", all.empty() ? "" : ",", daemon::JsonString(text));
  }
  return absl::StrFormat("[%s]", all);
}

std::string Summary(const Campaign& campaign, const Options& options, double seconds, bool ok,
                    std::string_view failure) {
  cli::JsonObject fired;
  cli::JsonObject max_ms;
  for (const auto& [name, convergence] : campaign.by_fault()) {
    fired.Add(name, static_cast<std::int64_t>(convergence.times));
    max_ms.Add(name, convergence.max_ms);
  }
  std::vector<std::string> violations = campaign.violations();
  violations.insert(violations.end(), campaign.late().begin(), campaign.late().end());
  if (!failure.empty()) violations.emplace_back(failure);
  cli::JsonObject summary;
  summary.Add("ok", ok)
      .Add("seed", std::string_view(std::to_string(options.seed)))
      .Add("seconds", seconds)
      .AddJson("fired", fired.ToString())
      .Add("faults", static_cast<std::int64_t>(campaign.faults()))
      .Add("converged_max_ms", campaign.converged_max_ms())
      .AddJson("converged_max_ms_by_fault", max_ms.ToString())
      .Add("bound_ms", static_cast<std::int64_t>(kConvergence / std::chrono::milliseconds(1)))
      .Add("late", static_cast<std::int64_t>(campaign.late().size()))
      .AddJson("misfired", Quoted(campaign.misfired()))
      .AddJson("violations", Quoted(violations));
  return summary.ToString();
}

absl::Status PlayRounds(Campaign& campaign, const Options& options) {
  const base::SystemClock clock;
  const base::MonotonicTime begun = clock.Now();
  do {
    if (absl::Status played = campaign.PlayRound(); !played.ok()) return played;
  } while (clock.Now() - begun < options.time || campaign.faults() < options.faults);
  return absl::OkStatus();
}

int Run(const Options& options) {
  daemon::SetUpProcess();
  umask(022);  // what daemons read is made here
  setenv("GRPC_VERBOSITY", "NONE", 0);
  const base::SystemClock clock;
  const base::MonotonicTime begun = clock.Now();
  story::Reporter reporter(std::cout, std::cerr, /*json=*/true, isatty(STDERR_FILENO) != 0);
  reporter.Note(absl::StrFormat("seed %d (again with --seed)", options.seed));
  auto arena = Arena::Create(reporter, options.seed);
  if (absl::IsUnimplemented(arena.status())) {
    std::cerr << "tidemark-network: " << arena.status().message() << '\n';
    return kTryElsewhere;
  }
  if (!arena.ok()) {
    std::cerr << "tidemark-network: " << arena.status() << '\n';
    return kViolated;
  }
  Campaign campaign(**arena, reporter, options.seed);
  const absl::Status played = PlayRounds(campaign, options);
  if (played.ok()) campaign.Finish();
  const bool ok = played.ok() && campaign.violations().empty() && campaign.late().empty();
  const double seconds = std::chrono::duration<double>(clock.Now() - begun).count();
  if (!ok) {
    std::cerr << (*arena)->stage().sc->LogTail(100) << (*arena)->stage().spu->LogTail(100);
  }
  if (options.json) {
    const std::string failure =
        campaign.violations().empty() ? std::string(played.message()) : std::string();
    std::cout << Summary(campaign, options, seconds, ok, failure) << std::endl;
  } else {
    std::cout << absl::StrFormat(
                     "%d faults in %.0f s, %d violations, %d late; the slowest convergence took "
                     "%d ms",
                     campaign.faults(), seconds, campaign.violations().size(),
                     campaign.late().size(), campaign.converged_max_ms())
              << std::endl;
  }
  if (!campaign.misfired().empty()) return kVoid;
  return ok ? 0 : kViolated;
}

bool Parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--json") {
      options.json = true;
      continue;
    }
    ++i;
    bool good = false;
    if (word == "--for") {
      const auto time = base::ParseDuration(value);
      good = time.ok();
      if (good) options.time = *time;
    } else if (word == "--faults") {
      good = ParseNumber(value, options.faults);
    } else if (word == "--seed") {
      good = ParseNumber(value, options.seed);
    }
    if (!good) return false;
  }
  return true;
}

int Main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, options)) {
    std::cerr << "usage: tidemark-network [--for DURATION] [--faults N] [--seed N] [--json]\n";
    return kUsage;
  }
  return story::RunGuarded(/*stay=*/false,
                           [&options](const std::function<void(int)>&) { return Run(options); });
}

}  // namespace
}  // namespace tidemark::network

int main(int argc, char** argv) { return tidemark::network::Main(argc, argv); }
