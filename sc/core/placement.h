// Chooses a volume for each partition of a new topic.
//
// Pure: volumes in, choices out; the same input gives the same output whatever its order. A volume
// that is not Up, is held, or has never reported a reading is not a candidate. From what its last
// reading shows, the steps that were promised to partitions but are not taken yet are subtracted,
// so that a burst of creates cannot promise the same bytes twice.
//
// Errors: kInvalidArgument for a count below 1. kResourceExhausted if the volumes that may take
//         partitions, or would but for a space hold, have no room; kFailedPrecondition if there
//         are none. Both list the volumes with the most room, with their numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/uuid.h"

namespace tidemark::sc {

// What placement may know of one volume.
struct PlacementVolume {
  std::string spu_id;
  base::Uuid uuid;
  std::string path;
  bool up = false;
  // In words: "space hold, episode 3". Empty: not held.
  std::string hold;
  // The hold is one of space: "no room" is then the honest error.
  bool space_held = false;
  bool has_reading = false;
  std::int64_t available_bytes = 0;
  std::int64_t full_bytes = 0;
  std::int64_t step_bytes = 0;
  // Partitions assigned here, and how many of them hold a step in the reading above.
  std::int64_t partitions = 0;
  std::int64_t steps_seen = 0;

  std::int64_t promised_steps() const;
  // Steps that can still be promised; 0 where nothing may be placed.
  std::int64_t free_steps() const;
  // "n1:/disk: available 412.0 MiB, full mark …, step …, promised 3 × step".
  std::string Describe() const;
};

struct PlacementChoice {
  std::string spu_id;
  base::Uuid volume;
};

// `count` choices, in partition order. All or nothing.
absl::StatusOr<std::vector<PlacementChoice>> PlacePartitions(std::vector<PlacementVolume> volumes,
                                                             std::int32_t count);

}  // namespace tidemark::sc
