#include "tests/simulation/plan.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "tests/simulation/random.h"

namespace tidemark::simulation {
namespace {

struct FaultTraits {
  std::string_view name;
  std::uint64_t weight;  // how often, against the others
};

// In the order of FaultKind.
constexpr std::array<FaultTraits, kFaultKinds> kTraits = {{
    {"cut", 8},
    {"half open", 4},
    {"noise", 6},
    {"slow wire", 3},
    {"deaf controller", 3},
    {"deaf spu", 3},
    {"replay", 8},
    {"old hello", 4},
    {"clone", 1},
    {"kill controller", 5},
    {"die between", 5},
    {"store fails", 3},
    {"store hangs", 2},
    {"stop controller", 2},
    {"kill spu", 4},
    {"power cut", 3},
    {"die at call", 6},
    {"stop spu", 2},
    {"foreign fills", 14},
    {"foreign gives", 16},
    {"foreign snatches", 5},
    {"steal at taking", 6},
    {"inodes gone", 3},
    {"inodes back", 4},
    {"volume grows", 1},
    {"late frees", 3},
    {"statvfs fails", 3},
    {"statvfs absurd", 3},
    {"statvfs flatters", 3},
    {"statvfs hangs", 3},
    {"other disk", 1},
    {"read only", 1},
    {"sync fails", 2},
    {"write fails", 1},
    {"no space at allocation", 4},
    {"quota at allocation", 3},
    {"quota limits", 4},
    {"reserve eaten", 2},
    {"slot torn", 2},
    {"wiped", 2},
    {"rolled back", 3},
    {"trim", 8},
    {"operator holds", 3},
    {"operator releases", 5},
    {"marks changed", 4},
    {"wall clock jumps", 3},
}};

FaultKind PickKind(Random& random) {
  std::uint64_t total = 0;
  for (const FaultTraits& traits : kTraits) total += traits.weight;
  std::uint64_t pick = random.Below(total);
  std::size_t kind = 0;
  while (pick >= kTraits[kind].weight) pick -= kTraits[kind++].weight;
  return static_cast<FaultKind>(kind);
}

}  // namespace

std::string_view FaultName(FaultKind kind) { return kTraits[static_cast<std::size_t>(kind)].name; }

std::string DescribeFault(const Fault& fault) {
  return absl::StrFormat("%9.3f s  %s (volume %d, amount %d)",
                         std::chrono::duration<double>(fault.at).count(), FaultName(fault.kind),
                         fault.volume, fault.amount % 1'000'000);
}

std::string DescribeEnding(const Plan& plan) {
  if (plan.ending == Ending::kAllServe) return "all is well again";
  return absl::StrFormat("volume %d stays %s", plan.ending_volume,
                         plan.ending == Ending::kOneStaysFull ? "full" : "held by an operator");
}

Plan MakePlan(std::uint64_t seed) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  Random random(seed ^ 0x7469646570616C6EULL);
  Plan plan;
  plan.seed = seed;
  plan.length = seconds(5) + random.Within(seconds(20));
  Random endings(seed ^ 0x656E64696E67ULL);
  constexpr Ending kEndings[] = {Ending::kOneStaysFull, Ending::kOneStaysHeld};
  if (const std::uint64_t pick = endings.Below(6); pick < 2) plan.ending = kEndings[pick];
  plan.ending_volume = static_cast<std::size_t>(endings.Below(2));
  // Some runs are hectic, some leave time for a whole episode between two faults.
  const base::Duration pause = milliseconds(50) + random.Within(seconds(2));
  for (base::Duration at = random.Within(pause); at < plan.length; at += random.Within(pause)) {
    plan.faults.push_back(Fault{.at = at,
                                .kind = PickKind(random),
                                .volume = static_cast<std::size_t>(random.Below(2)),
                                .amount = random.Next()});
  }
  return plan;
}

}  // namespace tidemark::simulation
