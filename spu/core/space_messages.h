// The words of the space verdict as messages: for reports, and for what operators are shown.
//
// Pure.
#pragma once

#include "base/clock.h"
#include "monitor/hold_set.h"
#include "monitor/marks.h"
#include "monitor/proof.h"
#include "monitor/space_reading.h"
#include "tidemark/space/v1/space.pb.h"

namespace tidemark::spu {

space::v1::Holds HoldsMessage(const monitor::HoldSet& holds);
space::v1::DeviceHold DeviceHoldMessage(const monitor::DeviceHold& hold);
space::v1::Marks MarksMessage(const monitor::Marks& marks);
space::v1::Reading ReadingMessage(const monitor::SpaceReading& reading, base::MonotonicTime now);
space::v1::Proof ProofMessage(const monitor::Proof& proof);

}  // namespace tidemark::spu
