// Rows for tests of the store.
#pragma once

#include <cstdint>
#include <string>

#include "sc/core/records.h"

namespace tidemark::sc {

inline constexpr base::Uuid kSampleVolume({7, 7});

inline EventRecord SampleEvent(std::uint64_t number, const std::string& reason = "because") {
  EventRecord event;
  event.set_number(number);
  event.set_name("volume.out_of_space");
  event.set_subject("n1:/disk");
  event.set_reason(reason);
  event.set_spu_id("n1");
  return event;
}

inline VolumeRecord SampleVolume(std::uint64_t generation) {
  VolumeRecord volume;
  volume.uuid = kSampleVolume;
  volume.spu_id = "n1";
  volume.path = "/disk";
  volume.accepted.set_generation(generation);
  volume.accepted.mutable_holds()->add_held(space::v1::HOLD_KIND_SPACE);
  volume.accepted.mutable_holds()->mutable_space()->set_episode(3);
  volume.accepted_unix_ms = 12345;
  return volume;
}

}  // namespace tidemark::sc
