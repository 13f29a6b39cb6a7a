// What will go wrong in one run: a list of faults, made from a seed before anything runs.
//
// A plan is data, so that a failing run can be told, repeated and made smaller: dropping a fault
// changes nothing about the others.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace tidemark::simulation {

enum class FaultKind : std::uint8_t {
  // The wire.
  kCut,             // both ends see it
  kHalfOpen,        // the controller does not see it
  kNoise,           // for a while messages are lost, repeated, overtake each other
  kSlowWire,        // for a while messages take seconds
  kDeafController,  // for a while nothing reaches the controller
  kDeafSpu,         // for a while nothing reaches the SPU
  kReplay,          // a message of the past, on the live stream or a new one
  kOldHello,        // a Hello of the past, on a stream of its own
  kClone,           // a second process with the same identity says Hello
  // The controller.
  kKillController,  // and a restart
  kDieBetween,      // it dies between two effects
  kStoreFails,      // for a while no batch can be persisted
  kStoreHangs,      // for a while no batch is answered
  kStopController,  // SIGSTOP for a while
  // The SPU.
  kKillSpu,
  kPowerCut,
  kDieAtCall,  // at one of its next calls to the disk
  kStopSpu,
  // The disk.
  kForeignFills,     // a neighbour takes all but a little
  kForeignGives,     // a neighbour gives back
  kForeignSnatches,  // for a while a neighbour takes whatever becomes free
  kStealAtTaking,    // a neighbour takes space while the working room is taken
  kInodesGone,
  kInodesBack,
  kVolumeGrows,
  kLateFrees,  // for a while freed bytes come late
  kStatvfsFails,
  kStatvfsAbsurd,
  kStatvfsFlatters,
  kStatvfsHangs,
  kOtherDisk,  // another filesystem under the path
  kReadOnly,
  kSyncFails,
  kWriteFails,
  kNoSpaceAtAllocation,
  kQuotaAtAllocation,
  kQuotaLimits,  // for a while: readings show nothing of it
  kReserveEaten,
  // While the SPU is down.
  kSlotTorn,
  kWiped,
  kRolledBack,
  // People and clocks.
  kTrim,
  kOperatorHolds,
  kOperatorReleases,
  kMarksChanged,  // at once, or by a restart
  kWallClockJumps,
  kCount,
};
inline constexpr std::size_t kFaultKinds = static_cast<std::size_t>(FaultKind::kCount);

std::string_view FaultName(FaultKind kind);  // "power cut"

struct Fault {
  base::Duration at{0};  // since the beginning
  FaultKind kind = FaultKind::kCut;
  std::size_t volume = 0;
  std::uint64_t amount = 0;  // any number; what it means is the fault's
};

std::string DescribeFault(const Fault& fault);

// How things are when the faults stop: all is well again, or one volume stays as bad as it is.
enum class Ending : std::uint8_t {
  kAllServe,
  kOneStaysFull,  // the neighbour gives nothing back, and takes what becomes free
  kOneStaysHeld,  // by an operator
};

struct Plan {
  std::uint64_t seed = 0;
  base::Duration length{0};
  Ending ending = Ending::kAllServe;
  std::size_t ending_volume = 0;  // the one
  std::vector<Fault> faults;      // in order of time
};

std::string DescribeEnding(const Plan& plan);  // "volume 1 stays full"

Plan MakePlan(std::uint64_t seed);

}  // namespace tidemark::simulation
