#include "tests/simulation/campaign.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace tidemark::simulation {
namespace {

using SteadyClock = std::chrono::steady_clock;

class Campaign {
 public:
  Campaign(const CampaignOptions& options, const std::function<void(const Tally&)>& progress)
      : options_(options), progress_(progress), begun_(SteadyClock::now()), told_(begun_) {}

  CampaignResult Run() {
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < options_.threads; ++i) threads.emplace_back([this] { Work(); });
    Work();
    for (std::thread& thread : threads) thread.join();
    return result_;
  }

 private:
  void Work() {
    while (!done_) {
      const std::uint64_t seed = options_.first_seed + next_++;
      const Plan plan = MakePlan(seed);
      const Outcome outcome = World(plan, options_.mutation).Run();
      const std::lock_guard lock(mutex_);
      Note(seed, outcome);
    }
  }

  void Note(std::uint64_t seed, const Outcome& outcome) {
    Tally& tally = result_.tally;
    tally.Add(outcome);
    if (!outcome.ok() && (!result_.failing_seed || seed < *result_.failing_seed)) {
      result_.failing_seed = seed;
      result_.violations = outcome.violations;
    }
    const auto now = SteadyClock::now();
    const bool enough = tally.seeds >= options_.seeds && tally.events >= options_.events;
    const bool late = options_.time_limit && now - begun_ >= *options_.time_limit;
    if (options_.time_limit ? late : enough) done_ = true;
    if (result_.failing_seed) done_ = true;
    if (progress_ && now - told_ >= std::chrono::seconds(1)) {
      told_ = now;
      progress_(tally);
    }
  }

  const CampaignOptions& options_;
  const std::function<void(const Tally&)>& progress_;
  const SteadyClock::time_point begun_;
  SteadyClock::time_point told_;
  std::atomic<bool> done_ = false;
  std::atomic<std::uint64_t> next_ = 0;
  std::mutex mutex_;
  CampaignResult result_;
};

}  // namespace

void Tally::Add(const Outcome& outcome) {
  ++seeds;
  events += outcome.events;
  virtual_seconds += std::chrono::duration<double>(outcome.virtual_time).count();
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    fired[i] += outcome.fired[i];
    faults += outcome.fired[i];
  }
  seen.episodes_ended += outcome.seen.episodes_ended;
  seen.gates_opened += outcome.seen.gates_opened;
  seen.writes_admitted += outcome.seen.writes_admitted;
  seen.online_shown += outcome.seen.online_shown;
  seen.out_of_space_shown += outcome.seen.out_of_space_shown;
  ended_full += outcome.ending == Ending::kOneStaysFull ? 1U : 0U;
  ended_held += outcome.ending == Ending::kOneStaysHeld ? 1U : 0U;
  spu_boots += outcome.spu_boots;
  controller_starts += outcome.controller_starts;
  messages_lost += outcome.messages_lost;
  messages_repeated += outcome.messages_repeated;
  messages_overtaken += outcome.messages_overtaken;
}

std::vector<std::string> Tally::Void() const {
  std::vector<std::string> names;
  if (seeds < kRunsThatMeetAll) return names;
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    if (fired[i] == 0) names.emplace_back(FaultName(static_cast<FaultKind>(i)));
  }
  return names;
}

CampaignResult RunCampaign(const CampaignOptions& options,
                           const std::function<void(const Tally&)>& progress) {
  return Campaign(options, progress).Run();
}

}  // namespace tidemark::simulation
