// Makes a failing plan smaller: drops faults as long as the run still fails.
//
// Source: delta debugging (Zeller, Hildebrandt 2002), on the list of faults.
#pragma once

#include <functional>

#include "tests/simulation/plan.h"

namespace tidemark::simulation {

// `fails(plan)` is true for `plan` itself. Returns one from which neither a single fault nor any
// two together can be dropped: a cause and what undoes it often stand and fall together.
Plan Shrink(Plan plan, const std::function<bool(const Plan&)>& fails);

}  // namespace tidemark::simulation
