#include "tests/integration/faults/fault_kind.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace tidemark::faults {
namespace {

// Where a full disk or a quota says no.
constexpr std::uint32_t kTakesSpace = BitOf(Call::kCreate) | BitOf(Call::kAllocate) |
                                      BitOf(Call::kMakeDirectory) | BitOf(Call::kRename);
constexpr std::uint32_t kSyncs = BitOf(Call::kSync);
// More than two looks of the witness.
constexpr std::uint64_t kLingerMs = 25;
constexpr std::uint32_t kWrites = BitOf(Call::kWrite);

constexpr std::array kKinds = {
    // The process dies.
    FaultKind{.name = "kill", .deed = Deed::kKillBefore, .linger_ms = kLingerMs},
    FaultKind{.name = "kill-torn", .deed = Deed::kKillAfter},
    FaultKind{.name = "power-cut",
              .deed = Deed::kKillBefore,
              .aftermath = Aftermath::kPowerCut,
              .linger_ms = kLingerMs},
    FaultKind{
        .name = "power-cut-torn", .deed = Deed::kKillAfter, .aftermath = Aftermath::kPowerCut},
    // One call fails.
    FaultKind{.name = "enospc", .deed = Deed::kFail, .error_number = ENOSPC},
    FaultKind{.name = "edquot", .deed = Deed::kFail, .error_number = EDQUOT},
    FaultKind{.name = "eio", .deed = Deed::kFail, .error_number = EIO},
    FaultKind{.name = "erofs", .deed = Deed::kFail, .error_number = EROFS},
    FaultKind{
        .name = "fsync-fails-once", .deed = Deed::kFail, .error_number = EIO, .calls = kSyncs},
    FaultKind{.name = "fsync-enospc", .deed = Deed::kFail, .error_number = ENOSPC, .calls = kSyncs},
    FaultKind{.name = "short-write", .deed = Deed::kShortWrite, .calls = kWrites},
    FaultKind{.name = "stall", .deed = Deed::kStall},
    // From then on all of them do.
    FaultKind{.name = "full-from-then",
              .deed = Deed::kFail,
              .error_number = ENOSPC,
              .calls = kTakesSpace,
              .sticky = true},
    FaultKind{.name = "quota-from-then",
              .deed = Deed::kFail,
              .error_number = EDQUOT,
              .calls = kTakesSpace,
              .sticky = true},
    FaultKind{.name = "eio-from-then", .deed = Deed::kFail, .error_number = EIO, .sticky = true},
    FaultKind{
        .name = "erofs-from-then", .deed = Deed::kFail, .error_number = EROFS, .sticky = true},
    FaultKind{.name = "short-writes-from-then",
              .deed = Deed::kShortWrite,
              .calls = kWrites,
              .sticky = true},
};

}  // namespace

std::span<const FaultKind> FaultKinds() { return kKinds; }

const FaultKind* FindFaultKind(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name, &FaultKind::name);
  return found == kKinds.end() ? nullptr : &*found;
}

}  // namespace tidemark::faults
