// The faults of network and time, as a table.
//
// Each is struck, waited for until it has bitten (the evidence that it fired), kept up for a while,
// and ended; from the end on time is taken until SC and SPU agree again.
#pragma once

#include <chrono>
#include <span>

#include "absl/status/status.h"
#include "tests/integration/network/arena.h"

namespace tidemark::network {

struct Fault {
  const char* name;
  absl::Status (*strike)(Arena&);
  // An error: the fault did not fire.
  absl::Status (*bitten)(Arena&, const Agreement& before);
  absl::Status (*end)(Arena&);
  // What must hold beside that which always holds.
  bool new_session = true;  // what is right afterwards was said anew
  bool unnoticed = false;   // nobody may see anything at all: clocks
  bool keeps_up = true;     // it can last longer than it takes to bite
  bool spu_serves = true;   // the SPU answers meanwhile
};

std::span<const Fault> Faults();

}  // namespace tidemark::network
