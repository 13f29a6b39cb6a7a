// What a volume's verdict says, in a form both sides of the link agree on.
//
// The SPU sends the digest of all its volumes with each heartbeat; the SC, whose own differs, asks
// for all reports again. Reading, room, and times are no part of it: they change without a verdict.
//
// Threading: pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::daemon {

// Kinds held, sorted, each once, with those whose details are there but which the list forgot. A
// kind this program does not know stays in: it is a hold.
std::vector<space::v1::HoldKind> HoldKindsOf(const space::v1::Holds& holds);
bool HoldsKind(const space::v1::Holds& holds, space::v1::HoldKind kind);

// The durable verdict under its generation: equal generations must give equal strings.
std::string CanonicalVerdict(const sc::v1::Report& report);
// The faults that come beside the generation.
std::string CanonicalDeviceFaults(const sc::v1::Report& report);

// Of the durable verdict alone (KnownVolume.digest).
std::uint64_t VerdictDigest(const sc::v1::Report& report);
// Of one volume for the heartbeat: its uuid, its verdict, its device faults. Those of several
// volumes are joined by adding them: their order does not matter.
std::uint64_t HeartbeatDigest(const sc::v1::Report& report);

}  // namespace tidemark::daemon
