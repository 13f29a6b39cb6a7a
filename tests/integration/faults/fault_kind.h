// The faults there are, by name: what happens to the n-th call, and what is lost by it.
#pragma once

#include <span>
#include <string_view>

#include "tests/integration/faults/fault_log.h"

namespace tidemark::faults {

// What of the page cache is still there when the SPU starts again.
enum class Aftermath : std::uint8_t {
  kProcessEnded,  // all but what a failed sync covered
  kPowerCut,      // what a successful sync covered, and of the rest the sectors that had luck
};

struct FaultKind {
  std::string_view name;
  Deed deed = Deed::kNothing;
  int error_number = 0;
  std::uint32_t calls = kEveryCall;
  bool sticky = false;
  Aftermath aftermath = Aftermath::kProcessEnded;
  // What was promised before the call gets this long to be heard, and seen, before the end.
  std::uint64_t linger_ms = 0;

  bool kills() const { return deed == Deed::kKillBefore || deed == Deed::kKillAfter; }
};

std::span<const FaultKind> FaultKinds();
const FaultKind* FindFaultKind(std::string_view name);

}  // namespace tidemark::faults
