// Why an SPU that runs is not attached, or who else calls itself as one that is: the newest Hello
// of each id that the SC refused.
//
// From the SC's history. The SPU's own log says it, too, but on another machine.
#pragma once

#include <map>
#include <string>

#include "cli/invocation.h"
#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::cli {

struct HelloRefusal {
  sc::v1::Event event;
  // The SPU of this id is attached, and was when the other one was refused.
  bool of_another = false;
};
using HelloRefusals = std::map<std::string, HelloRefusal>;  // by SPU id

// Only those that still tell something: nothing of an SPU that was attached since; and of the other
// one where an SPU is attached, as of SPUs the SC does not know while it has others, only what is
// not older than two minutes by this machine's clock. Empty also if history cannot be read: what it
// is asked beside stands without.
HelloRefusals FindHelloRefusals(const Invocation& invocation, const sc::v1::ListSpusResponse& spus);

// "refused at 2026-11-23T04:00:00Z: wrong cluster: this is cluster 0011…".
std::string RefusedText(const HelloRefusal& refusal);

}  // namespace tidemark::cli
