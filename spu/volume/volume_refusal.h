// Why a volume takes no appends, as the refusal every producer on it gets.
//
// Pure. The same numbers that decided are the numbers that are told.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "monitor/hold_set.h"
#include "monitor/marks.h"
#include "monitor/space_reading.h"
#include "spu/refusal.h"

namespace tidemark::spu {

struct VolumeState {
  std::string uuid;
  std::string path;
  bool accepting = false;
  std::string fence;       // why another has the place of this SPU; empty: none has
  monitor::HoldSet holds;  // durable, or about to be
  std::optional<monitor::DeviceHold> device_fault;  // of this boot
  monitor::Marks marks;
  std::optional<monitor::SpaceReading> reading;
  // Until the next try of a proof, or the next reading.
  base::Duration retry_after = std::chrono::seconds(1);
};

// nullopt while it accepts and is not fenced. A volume that is closed without any hold is
// provisioning.
std::optional<Refusal> RefusalOf(const VolumeState& volume);

// An append found no step: the budget's words, with the volume's numbers.
Refusal NoStepRefusal(const VolumeState& volume, const std::string& why, bool out_of_space);

}  // namespace tidemark::spu
