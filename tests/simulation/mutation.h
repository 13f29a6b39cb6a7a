// The sixteen ways in which the design says that a protocol like ours may be broken, and some of
// our own, each as a double around the real code: what it tells the code, or what it makes of the
// answer, is changed at the edge. A simulation is evidence only if it finds every one of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string_view>

namespace tidemark::simulation {

enum class Mutation : std::uint8_t {
  kNone,
  kNoSessionFence,
  kPublishBeforePersist,
  kRecoverByMeasuring,  // without taking room
  kReconnectMeansOnline,
  kOneEnum,  // LeaderOffline covers OutOfSpace
  kNoGenerationCheck,
  kSendBeforePersist,
  kNoFastForward,  // after a wipe
  kNoHelloCounter,
  kSilentRefusal,  // of a dead session
  kReportOnce,
  kPersistBeforeRoom,
  kTrustAtBoot,  // without the room
  kReachPerSpu,  // instead of per volume
  kDeviceErasesSpace,
  kProofOfOpenEpisodeOnly,  // not of a later one
  // Ours.
  kOlderSlotAtBoot,   // of two good ones
  kHoldToldOnce,      // its report is never repeated
  kTakenOnceIsTaken,  // whatever became of the partition since
  kCount,
};
inline constexpr std::size_t kMutations = static_cast<std::size_t>(Mutation::kCount);

// In the order of Mutation, those of the design first; "" for none.
inline constexpr std::array<std::string_view, kMutations> kMutationNames = {
    "",
    "no-session-fence",
    "publish-before-persist",
    "recover-by-measuring",
    "reconnect-means-online",
    "one-enum",
    "no-generation-check",
    "send-before-persist",
    "no-fast-forward",
    "no-hello-counter",
    "silent-refusal",
    "report-once",
    "persist-before-room",
    "trust-at-boot",
    "reach-per-spu",
    "device-erases-space",
    "proof-of-open-episode-only",
    // Ours.
    "older-slot-at-boot",
    "hold-told-once",
    "taken-once-is-taken",
};

inline std::optional<Mutation> MutationNamed(std::string_view name) {
  for (std::size_t i = 0; i < kMutations; ++i) {
    if (kMutationNames[i] == name) return static_cast<Mutation>(i);
  }
  return std::nullopt;
}

inline void PrintTo(Mutation mutation, std::ostream* out) {
  *out << kMutationNames[static_cast<std::size_t>(mutation)];
}

}  // namespace tidemark::simulation
