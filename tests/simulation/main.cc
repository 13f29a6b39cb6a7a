// tidemark-simulate: the status protocol and the space verdict, the real code of both, in a world
// where everything fails that can. See tests/simulation/README.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/byte_size.h"
#include "daemon/json_text.h"
#include "tests/simulation/campaign.h"
#include "tests/simulation/shrink.h"

namespace tidemark::simulation {
namespace {

constexpr int kViolated = 1;
constexpr int kUsage = 2;
constexpr int kVoid = 3;  // no violation, but a kind of fault never fired

struct Arguments {
  CampaignOptions campaign;
  std::string mutation;
  std::string time_limit;
  std::uint64_t only_seed = 0;
  bool story = false;
  bool json = false;
};

void PrintPlan(const Plan& plan) {
  for (const Fault& fault : plan.faults) std::cout << "  " << DescribeFault(fault) << "\n";
  std::cout << "  then " << DescribeEnding(plan) << "\n";
}

std::string ReplayCommand(std::uint64_t seed, const std::string& mutation) {
  return absl::StrFormat("tidemark-simulate --seed %d%s --story", seed,
                         mutation.empty() ? "" : " --mutation " + mutation);
}

// One seed, told from the beginning; a failing one is made smaller first.
int Replay(const Arguments& arguments) {
  Plan plan = MakePlan(arguments.only_seed);
  const Mutation mutation = arguments.campaign.mutation;
  const auto fails = [mutation](const Plan& candidate) {
    return !World(candidate, mutation).Run().ok();
  };
  const std::size_t planned = plan.faults.size();
  const bool failing = fails(plan);
  if (failing) {
    plan = Shrink(std::move(plan), fails);
    std::cout << absl::StrFormat("seed %d fails; %d of its %d faults are enough:\n", plan.seed,
                                 plan.faults.size(), planned);
    PrintPlan(plan);
  }
  World::Story story;
  if (arguments.story) story = [](const std::string& line) { std::cout << line << "\n"; };
  const Outcome outcome = World(plan, mutation, story).Run();
  for (const std::string& violation : outcome.violations) std::cout << violation << "\n";
  std::cout << absl::StrFormat("seed %d: %d events, %d violations\n", plan.seed, outcome.events,
                               outcome.violations.size());
  return outcome.ok() ? 0 : kViolated;
}

// Everything that is added up, by name: for people in lines, for machines in one object.
std::vector<std::pair<std::string, std::uint64_t>> Figures(const Tally& tally) {
  return {{"seeds", tally.seeds},
          {"events", tally.events},
          {"faults", tally.faults},
          {"virtual_hours", static_cast<std::uint64_t>(tally.virtual_seconds / 3600)},
          {"episodes_ended", tally.seen.episodes_ended},
          {"out_of_space_shown", tally.seen.out_of_space_shown},
          {"online_shown", tally.seen.online_shown},
          {"gates_opened", tally.seen.gates_opened},
          {"writes_admitted", tally.seen.writes_admitted},
          {"ended_full", tally.ended_full},
          {"ended_held", tally.ended_held},
          {"spu_boots", tally.spu_boots},
          {"controller_starts", tally.controller_starts},
          {"messages_lost", tally.messages_lost},
          {"messages_repeated", tally.messages_repeated},
          {"messages_overtaken", tally.messages_overtaken}};
}

std::string JsonOf(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  for (const std::string& text : texts) quoted.push_back(daemon::JsonString(text));
  return absl::StrFormat("[%s]", absl::StrJoin(quoted, ","));
}

int ExitCode(const CampaignResult& result) {
  if (result.failing_seed) return kViolated;
  return result.tally.Void().empty() ? 0 : kVoid;
}

std::string Json(const CampaignResult& result, double seconds, std::uint64_t first_seed) {
  std::string figures;
  for (const auto& [name, value] : Figures(result.tally)) {
    absl::StrAppendFormat(&figures, "\"%s\":%d,", name, value);
  }
  std::string fired;
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    absl::StrAppendFormat(&fired, "%s\"%s\":%d", i == 0 ? "" : ",",
                          FaultName(static_cast<FaultKind>(i)), result.tally.fired[i]);
  }
  return absl::StrFormat(
      "{\"ok\":%s,\"seed\":%d,%s\"seconds\":%.1f,\"violations\":%s,\"void\":%s,"
      "\"failing_seed\":%s,\"fired\":{%s}}",
      ExitCode(result) == 0 ? "true" : "false", first_seed, figures, seconds,
      JsonOf(result.violations), JsonOf(result.tally.Void()),
      result.failing_seed ? absl::StrFormat("%d", *result.failing_seed) : "null", fired);
}

void PrintTally(const Tally& tally) {
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    std::cout << absl::StrFormat("  fired %-24s %12d\n", FaultName(static_cast<FaultKind>(i)),
                                 tally.fired[i]);
  }
  for (const auto& [name, value] : Figures(tally)) {
    std::cout << absl::StrFormat("  %-30s %12d\n", name, value);
  }
}

int RunAll(const Arguments& arguments) {
  const auto begun = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  };
  std::cerr << absl::StrFormat("first seed %d, %d threads\n", arguments.campaign.first_seed,
                               arguments.campaign.threads);
  const CampaignResult result = RunCampaign(arguments.campaign, [&](const Tally& tally) {
    std::cerr << absl::StrFormat(
        "%6.0f s  %d seeds, %d events (%.0f k/s), %d faults\n", seconds(), tally.seeds,
        tally.events, static_cast<double>(tally.events) / seconds() / 1000, tally.faults);
  });
  const Tally& tally = result.tally;
  if (arguments.json) {
    std::cout << Json(result, seconds(), arguments.campaign.first_seed) << std::endl;
  } else {
    PrintTally(tally);
  }
  std::string verdict = "violations 0";
  if (result.failing_seed) {
    verdict = absl::StrFormat("seed %d: %s\n  %s", *result.failing_seed,
                              absl::StrJoin(result.violations, "\n  "),
                              ReplayCommand(*result.failing_seed, arguments.mutation));
  } else if (!tally.Void().empty()) {
    verdict = "void: these faults never fired: " + absl::StrJoin(tally.Void(), ", ");
  } else if (tally.seeds < kRunsThatMeetAll) {
    verdict += absl::StrFormat(" (fewer than %d runs: whether every fault fired is not judged)",
                               kRunsThatMeetAll);
  }
  (arguments.json ? std::cerr : std::cout)
      << absl::StrFormat("seeds %d to %d, %d events, %d faults, %.1f s: %s",
                         arguments.campaign.first_seed,
                         arguments.campaign.first_seed + tally.seeds - 1, tally.events,
                         tally.faults, seconds(), verdict)
      << std::endl;
  return ExitCode(result);
}

int Main(int argc, char** argv) {
  Arguments arguments;
  arguments.campaign.threads = std::max(1U, std::thread::hardware_concurrency());
  CLI::App app(
      "Runs Tidemark's status protocol and space verdict in a simulated world of faults.\n\n"
      "  tidemark-simulate --seeds 1000            many runs, one after the other\n"
      "  tidemark-simulate --seed 42 --story       one run, told; a failing one is made smaller\n"
      "  tidemark-simulate --mutation one-enum     broken on purpose: must fail\n\n"
      "Exit 0 no violation; 1 one was found; 2 usage; 3 void: of 2,000 runs or more, a kind of "
      "fault never found anything to break. Fewer runs need not meet every kind, and are never "
      "void.");
  app.add_option("--seeds", arguments.campaign.seeds, "how many runs at least");
  app.add_option("--events", arguments.campaign.events, "how many events at least, over all runs");
  app.add_option("--first-seed", arguments.campaign.first_seed, "seed of the first run");
  app.add_option("--for", arguments.time_limit, "stop after this time instead: 30m, 6h");
  app.add_option("--threads", arguments.campaign.threads, "default: one for each core");
  app.add_option(
      "--mutation", arguments.mutation,
      "break the protocol on purpose: " +
          absl::StrJoin(std::vector<std::string>(kMutationNames.begin() + 1, kMutationNames.end()),
                        ", "));
  app.add_option("--seed", arguments.only_seed, "this run only");
  app.add_flag("--story", arguments.story, "with --seed: tell every fault and what was shown");
  app.add_flag("--json", arguments.json, "one JSON object on stdout");
  CLI11_PARSE(app, argc, argv);
  const auto mutation = MutationNamed(arguments.mutation);
  if (!mutation) {
    std::cerr << "error: no mutation '" << arguments.mutation << "' (see --help)\n";
    return kUsage;
  }
  arguments.campaign.mutation = *mutation;
  if (!arguments.time_limit.empty()) {
    const auto limit = base::ParseDuration(arguments.time_limit);
    if (!limit.ok()) {
      std::cerr << "error: --for: " << limit.status().message() << "\n";
      return kUsage;
    }
    arguments.campaign.time_limit = *limit;
  }
  return arguments.only_seed != 0 ? Replay(arguments) : RunAll(arguments);
}

}  // namespace
}  // namespace tidemark::simulation

int main(int argc, char** argv) { return tidemark::simulation::Main(argc, argv); }
