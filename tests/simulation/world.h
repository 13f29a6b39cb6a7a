// One run: an SPU with two volumes, a controller, a wire between them, a plan of faults, and a
// checker that looks on. Afterwards the faults stop, and all must agree and serve (L1), or agree
// that one volume cannot.
//
// The same plan gives the same run, on every machine.
//
// Lifetime:  one run.
// Threading: one thread; many Worlds may run side by side.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/checker.h"
#include "tests/simulation/mutation.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/scheduler.h"
#include "tests/simulation/sim_controller.h"
#include "tests/simulation/sim_spu.h"
#include "tests/simulation/wire.h"

namespace tidemark::simulation {

struct Outcome {
  std::vector<std::string> violations;
  std::uint64_t events = 0;
  base::Duration virtual_time{0};
  // Faults that found something to break.
  std::array<std::uint64_t, kFaultKinds> fired{};
  Checker::Seen seen;
  Ending ending = Ending::kAllServe;
  std::uint64_t spu_boots = 0;
  std::uint64_t controller_starts = 0;
  std::uint64_t messages_lost = 0;
  std::uint64_t messages_repeated = 0;
  std::uint64_t messages_overtaken = 0;

  bool ok() const { return violations.empty(); }
};

class World {
 public:
  // `story`: every fault and every change of what is shown is told to it.
  using Story = std::function<void(const std::string&)>;
  World(const Plan& plan, Mutation mutation, Story story = nullptr);

  Outcome Run();

 private:
  void Apply(const Fault& fault);
  // False: there was nothing to break.
  bool ApplyToWire(const Fault& fault);
  bool ApplyToController(const Fault& fault);
  bool ApplyToSpu(const Fault& fault);
  bool ApplyToSpace(const Fault& fault);
  bool ApplyToDisk(const Fault& fault);
  bool ApplyToSlots(const Fault& fault);
  bool ApplyByPeople(const Fault& fault);
  bool ChangeMarks(const Fault& fault);
  void RestartControllerSoon(const Fault& fault);
  void RestartSpuSoon(const Fault& fault);
  static base::Duration DelayOf(const Fault& fault);
  void StartController() {
    if (!controller_.running()) controller_.Boot();
  }
  void StartSpu() {
    if (!spu_.running()) spu_.Boot();
  }
  base::MonotonicTime Until(const Fault& fault, base::Duration longest) const;
  void Snatch(std::size_t volume, base::MonotonicTime until, Random random);

  void Heal();
  // Of the volume that stays as bad as it is.
  void KeepBad();
  bool StaysFull(std::size_t volume) const {
    return plan_.ending == Ending::kOneStaysFull && volume == plan_.ending_volume;
  }
  bool StaysHeld(std::size_t volume) const {
    return plan_.ending == Ending::kOneStaysHeld && volume == plan_.ending_volume;
  }
  void DoAsExplained();
  // Empty: they agree, and all that may serve do.
  std::string Disagreement();
  std::string DisagreementOn(std::size_t index);
  void Tell();

  const Plan& plan_;
  Story story_;
  Scheduler scheduler_;
  Checker checker_;
  Wire wire_;
  SimSpu spu_;
  SimController controller_;
  bool healing_ = false;
  base::MonotonicTime began_;
  Outcome outcome_;
  std::array<std::string, kVolumes> told_;
};

}  // namespace tidemark::simulation
