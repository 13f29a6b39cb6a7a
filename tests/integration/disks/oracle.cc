// Judges what is shown as Online by the filesystem's own numbers.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "tests/integration/disks/cycle.h"

namespace tidemark::disks {
namespace {

absl::Status Earned(bool condition, const std::string& what) {
  return condition ? absl::OkStatus() : absl::InternalError("unearned Online: " + what);
}

absl::Status ExpectNumbers(const space::v1::Proof& proof, const Stopped& stopped,
                           const DiskCase& disk_case) {
  TM_RETURN_IF_ERROR(Earned(
      proof.episode() == stopped.episode,
      absl::StrFormat("the proof is of episode %d, not of %d", proof.episode(), stopped.episode)));
  TM_RETURN_IF_ERROR(Earned(proof.readings() >= 3 && proof.bytes_after() >= kResumeBytes,
                            absl::StrFormat("the proof has %d readings, the last of %d bytes",
                                            proof.readings(), proof.bytes_after())));
  TM_RETURN_IF_ERROR(
      Earned(proof.reserve_bytes() >= kReserveBytes,
             absl::StrFormat("the proof holds a reserve of %d bytes", proof.reserve_bytes())));
  if (disk_case.cause != Cause::kInodes) return absl::OkStatus();
  return Earned(proof.counts_inodes() && proof.inodes_after() >= disk_case.resume_inodes(),
                absl::StrFormat("the proof has %d inodes", proof.inodes_after()));
}

// Every partition that was written has room for its next records: more blocks than it has records.
absl::Status ExpectWorkingRoom(const Disk& disk, const Cluster& cluster) {
  for (const std::uint64_t partition : cluster.kept()) {
    TM_ASSIGN_OR_RETURN(const std::int64_t end, cluster.DurableEnd(partition));
    const auto segment = disk.FindNewestSegment(partition);
    TM_RETURN_IF_ERROR(Earned(segment.ok(), segment.status().ToString()));
    const std::int64_t records =
        kRecordBytes * std::max<std::int64_t>(0, end - segment->base_offset);
    TM_RETURN_IF_ERROR(
        Earned(segment->allocated_bytes - records >= kStepBytes / 2,
               absl::StrFormat("partition id %d has %d bytes allocated for %d bytes of records",
                               partition, segment->allocated_bytes, records)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ExpectProven(const Disk& disk, const Cluster& cluster, const Stopped& stopped) {
  TM_ASSIGN_OR_RETURN(const auto volume, cluster.VolumeAtAgent());
  TM_ASSIGN_OR_RETURN(const auto shown, cluster.VolumeAtController());
  TM_RETURN_IF_ERROR(
      Earned(volume.generation() > stopped.generation && shown.generation() == volume.generation(),
             absl::StrFormat("generation %d at the SPU, %d at the SC, was %d", volume.generation(),
                             shown.generation(), stopped.generation)));
  TM_RETURN_IF_ERROR(ExpectNumbers(volume.last_proof(), stopped, disk.disk_case()));
  TM_RETURN_IF_ERROR(ExpectNumbers(shown.last_proof(), stopped, disk.disk_case()));

  TM_RETURN_IF_ERROR(ExpectWorkingRoom(disk, cluster));
  const auto held = disk.ReserveHeldBytes();
  TM_RETURN_IF_ERROR(Earned(held.ok(), held.status().ToString()));
  TM_RETURN_IF_ERROR(Earned(*held >= kReserveBytes,
                            absl::StrFormat("the reserve file has %d bytes allocated", *held)));
  TM_ASSIGN_OR_RETURN(const Sight sight, disk.Look());
  TM_RETURN_IF_ERROR(Earned(sight.available_bytes >= kResumeBytes,
                            absl::StrFormat("statvfs shows %d bytes, the resume mark is %d",
                                            sight.available_bytes, kResumeBytes)));
  // statvfs showed plenty all the time.
  constexpr std::int64_t kGapBytes = kResumeBytes - kFullBytes;
  TM_RETURN_IF_ERROR(
      Earned(disk.disk_case().cause != Cause::kQuota || sight.quota_left_bytes >= kGapBytes,
             absl::StrFormat("the quota has %d bytes left, the gap is %d", sight.quota_left_bytes,
                             kGapBytes)));
  return Earned(disk.disk_case().cause != Cause::kInodes ||
                    sight.available_inodes >= disk.disk_case().resume_inodes(),
                absl::StrFormat("statvfs shows %d inodes", sight.available_inodes));
}

}  // namespace tidemark::disks
