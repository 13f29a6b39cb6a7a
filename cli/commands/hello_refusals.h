// Why an SPU that runs is not attached: the newest Hello of each that the SC refused.
//
// From the SC's history. The SPU's own log says it, too, but on another machine.
#pragma once

#include <map>
#include <string>

#include "cli/invocation.h"
#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::cli {

using HelloRefusals = std::map<std::string, sc::v1::Event>;  // by SPU id

// Only those that still tell why one is not attached: nothing of an SPU that is, or that was since,
// and of SPUs the SC does not know only while it has no other. Empty also if history cannot be
// read: what it is asked beside stands without.
HelloRefusals FindHelloRefusals(const Invocation& invocation, const sc::v1::ListSpusResponse& spus);

// "refused at 2026-11-23T04:00:00Z: wrong cluster: this is cluster 0011…".
std::string RefusedText(const sc::v1::Event& refusal);

}  // namespace tidemark::cli
