// tidemark-story: lives the story of a disk that fills up, on real processes and a real filesystem.
//
//   tidemark-story [--json] [--stay] [--seed N]
//
// Exit codes: 0 every step was observed, 1 one was not, 2 usage, 75 this machine cannot mount a
// small filesystem.
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <iostream>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "daemon/process_setup.h"
#include "tests/integration/story/guardian.h"
#include "tests/integration/story/steps.h"

namespace tidemark::story {
namespace {

constexpr int kTryElsewhere = 75;

struct Options {
  bool json = false;
  bool stay = false;
  std::uint64_t seed = 4528;
};

struct Step {
  const char* name;
  const char* title;
  absl::Status (*run)(Stage&);
};

constexpr Step kSteps[] = {
    {"serve", "SC and SPU start; a topic is created, records are produced and consumed",
     &ServeRecords},
    {"fill", "The volume fills up: refused with numbers before the disk is full, all readable",
     &FillTheVolume},
    {"cut", "The wire between SC and SPU is cut ten times: still OutOfSpace", &CutTheWire},
    {"kill", "SC and SPU are killed and started again: still OutOfSpace", &KillTheDaemons},
    {"foreign", "Space is freed and a neighbour takes it: still OutOfSpace, and it says why",
     &LetANeighbourTakeTheSpace},
    {"reclaim", "Space is really freed: proof, then Online", &ReclaimTheSpace},
    {"read_back", "Every acknowledged record is read back", &ReadEverythingBack},
};

void TellHowToTalkToIt(const Stage& stage, bool json) {
  (json ? std::cerr : std::cout)
      << absl::StrFormat(
             "\nThe cluster stays. Talk to it:\n"
             "  export TIDEMARK_SC=%s\n"
             "  %s status\n"
             "  %s consume orders --count 3\n"
             "The SPU is at %s. To end it and remove everything: kill %d\n",
             stage.controller(), support::Program("tidemark"), support::Program("tidemark"),
             stage.agent(), getppid())
      << std::flush;
}

// After a failure: what an operator would look at.
void TellWhatIsKnown(Stage& stage) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"status"}, {"volume", "explain", stage.full_path}, {"events"}}) {
    const auto told = stage.Type(words);
    std::cerr << (told.ok() ? told->output : std::string(told.status().message())) << '\n';
  }
  for (const auto* daemon : {stage.sc.get(), stage.spu.get()}) {
    if (daemon != nullptr) std::cerr << daemon->LogTail() << '\n';
  }
}

int PlayStory(const Options& options, const std::function<void(int)>& stay) {
  daemon::SetUpProcess();
  umask(022);  // what daemons read is made here
  setenv("GRPC_VERBOSITY", "NONE", 0);
  Reporter reporter(std::cout, std::cerr, options.json,
                    isatty(options.json ? STDERR_FILENO : STDOUT_FILENO) != 0);
  auto stage = Stage::Create(reporter, options.seed);
  if (!stage.ok()) {
    std::cerr << "tidemark-story: cannot make a small filesystem here: " << stage.status().message()
              << "\nRun it as root with CAP_SYS_ADMIN, or allow user namespaces.\n";
    return kTryElsewhere;
  }
  for (const Step& step : kSteps) {
    reporter.BeginStep(step.name, step.title);
    const absl::Status status = step.run(**stage);
    reporter.EndStep(status);
    if (!status.ok()) break;
  }
  reporter.Finish((*stage)->file_system());
  const int exit_code = reporter.ok() ? 0 : 1;
  if (!reporter.ok()) TellWhatIsKnown(**stage);
  if (options.stay && reporter.ok()) {
    TellHowToTalkToIt(**stage, options.json);
    stay(exit_code);
    WaitToBeEnded();
  }
  return exit_code;
}

int Main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      options.json = true;
    } else if (word == "--stay") {
      options.stay = true;
    } else if (word == "--seed" && i + 1 < argc) {
      const std::string_view number = argv[++i];
      std::from_chars(number.data(), number.data() + number.size(), options.seed);
    } else {
      std::cerr << "usage: tidemark-story [--json] [--stay] [--seed N]\n";
      return word == "--help" || word == "-h" ? 0 : 2;
    }
  }
  return RunGuarded(options.stay, [&options](const std::function<void(int)>& stay) {
    return PlayStory(options, stay);
  });
}

}  // namespace
}  // namespace tidemark::story

int main(int argc, char** argv) { return tidemark::story::Main(argc, argv); }
