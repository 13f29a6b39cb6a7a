// The whole truth about one volume as the SC is told it.
//
// Pure. Everything in `record` must be durable already: the SC is never ahead of the SPU's disk.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "monitor/space_reading.h"
#include "monitor/verdict_record.h"
#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::spu {

struct VolumeTruth {
  monitor::VerdictRecord record;
  // The last valid one; none before the first.
  std::optional<monitor::SpaceReading> reading;
  // Faults of this boot that its own disk may have been unable to take.
  std::vector<monitor::DeviceHold> device_faults;
  std::vector<sc::v1::LostData> lost_data;
  space::v1::Room room;
  std::int64_t bytes_short = 0;
  std::int64_t inodes_short = 0;
};

// Session and sequence are the link's to fill in.
sc::v1::Report ReportOf(const VolumeTruth& truth, base::MonotonicTime now);

}  // namespace tidemark::spu
