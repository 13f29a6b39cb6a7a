#include "spu/core/report_of.h"

#include "spu/core/space_messages.h"

namespace tidemark::spu {

sc::v1::Report ReportOf(const VolumeTruth& truth, base::MonotonicTime now) {
  sc::v1::Report report;
  report.set_volume(truth.record.volume.ToBytes());
  report.set_generation(truth.record.generation.value());
  // Always there, also when empty: a report without it says nothing.
  *report.mutable_holds() = HoldsMessage(truth.record.holds);
  *report.mutable_marks() = MarksMessage(truth.record.marks);
  report.set_episodes(truth.record.episode.value());
  if (truth.record.last_proof) *report.mutable_proof() = ProofMessage(*truth.record.last_proof);
  if (truth.reading) *report.mutable_reading() = ReadingMessage(*truth.reading, now);
  for (const monitor::DeviceHold& fault : truth.device_faults) {
    *report.add_device_faults() = DeviceHoldMessage(fault);
  }
  for (const sc::v1::LostData& lost : truth.lost_data) *report.add_lost_data() = lost;
  *report.mutable_room() = truth.room;
  report.set_bytes_short(truth.bytes_short);
  report.set_inodes_short(truth.inodes_short);
  return report;
}

}  // namespace tidemark::spu
