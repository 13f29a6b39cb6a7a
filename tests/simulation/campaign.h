// Many runs, over all cores, added up.
//
// Lifetime:  stateless.
// Threading: RunCampaign starts threads of its own and joins them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/mutation.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/world.h"

namespace tidemark::simulation {

struct CampaignOptions {
  std::uint64_t first_seed = 1;
  // Ends when both are reached, or the time is over, or a run fails.
  std::uint64_t seeds = 1;
  std::uint64_t events = 0;
  std::optional<base::Duration> time_limit;
  Mutation mutation = Mutation::kNone;
  unsigned threads = 1;
};

inline constexpr std::uint64_t kRunsThatMeetAll = 2000;

struct Tally {
  std::uint64_t seeds = 0;
  std::uint64_t events = 0;
  double virtual_seconds = 0;
  std::array<std::uint64_t, kFaultKinds> fired{};
  std::uint64_t faults = 0;
  Checker::Seen seen;
  std::uint64_t ended_full = 0;
  std::uint64_t ended_held = 0;
  std::uint64_t spu_boots = 0;
  std::uint64_t controller_starts = 0;
  std::uint64_t messages_lost = 0;
  std::uint64_t messages_repeated = 0;
  std::uint64_t messages_overtaken = 0;

  void Add(const Outcome& outcome);
  // Kinds of fault that never found anything to break: then the run proves nothing about them, and
  // is void. Empty for fewer runs than kRunsThatMeetAll: those need not meet every kind.
  std::vector<std::string> Void() const;
};

struct CampaignResult {
  Tally tally;
  // The lowest seed that failed, and what it saw.
  std::optional<std::uint64_t> failing_seed;
  std::vector<std::string> violations;
};

// `progress` is called from one thread at a time, about once a second.
CampaignResult RunCampaign(const CampaignOptions& options,
                           const std::function<void(const Tally&)>& progress = nullptr);

}  // namespace tidemark::simulation
