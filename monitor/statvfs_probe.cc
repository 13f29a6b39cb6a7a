#include "monitor/statvfs_probe.h"

#include <linux/magic.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace tidemark::monitor {
namespace {

// An errno that says the device is gone is a device matter; any other failure is only no reading.
std::optional<DeviceCause> DeviceCauseOf(const absl::Status& status) {
  switch (base::ErrnoOf(status).value_or(0)) {
    case EIO:
      return DeviceCause::kIoError;
    case EROFS:
      return DeviceCause::kReadOnly;
    case ESTALE:
      return DeviceCause::kStale;
    case ENODEV:
    case ENOENT:  // the directory is below the mount that has gone
    case ENOTDIR:
    case ENOTCONN:  // a FUSE server that died
      return DeviceCause::kMissingVolume;
    default:
      return std::nullopt;
  }
}

template <typename Outcome>
Outcome FaultOf(const absl::Status& status) {
  const std::string detail(status.message());
  if (const auto cause = DeviceCauseOf(status); cause.has_value()) {
    return VolumeFault{*cause, detail};
  }
  return ReadingFault{ReadingFaultKind::kFailed, detail};
}

}  // namespace

absl::StatusOr<StatvfsProbe> StatvfsProbe::Open(storage::FileSystem& file_system,
                                                const base::Clock& clock,
                                                const VolumeLayout& layout) {
  StatvfsProbe probe(file_system, clock, layout);
  TM_ASSIGN_OR_RETURN(probe.marker_, ReadVolumeMarker(file_system, layout));
  TM_ASSIGN_OR_RETURN(const storage::FileStat marker, file_system.Stat(layout.marker()));
  TM_ASSIGN_OR_RETURN(const storage::FileSystemStat stat,
                      file_system.StatFileSystem(layout.directory()));
  probe.marker_inode_ = marker.inode;
  probe.identity_ = {stat.device_id, stat.file_system_id};
  probe.type_magic_ = stat.type_magic;
  return probe;
}

std::variant<std::monostate, ReadingFault, VolumeFault> StatvfsProbe::FindMarkerFault() {
  using Fault = std::variant<std::monostate, ReadingFault, VolumeFault>;
  const auto stat = file_system_.Stat(layout_.marker());
  if (absl::IsNotFound(stat.status())) {
    return VolumeFault{DeviceCause::kMissingVolume,
                       absl::StrFormat("'%s' has lost its %s: unmounted, or deleted",
                                       layout_.directory(), VolumeLayout::kMarkerName)};
  }
  if (!stat.ok()) return FaultOf<Fault>(stat.status());
  if (stat->inode == marker_inode_) return std::monostate();
  // A restored copy has another inode and the same UUID; it is not the disk we opened either.
  return VolumeFault{DeviceCause::kWrongVolume,
                     absl::StrFormat("'%s' has another marker than at the start: inode %d, was %d",
                                     layout_.directory(), stat->inode, marker_inode_)};
}

ProbeOutcome StatvfsProbe::Probe() {
  const base::MonotonicTime asked = clock_.Now();
  // btrfs shows allocations and frees only after a commit.
  if (type_magic_ == BTRFS_SUPER_MAGIC) {
    if (const absl::Status status = file_system_.SyncFileSystem(layout_.directory());
        !status.ok()) {
      return FaultOf<ProbeOutcome>(status);
    }
  }
  return Look(asked);
}

// What came to pass during a sync need not be in what it wrote: the reading begins before it.
ProbeOutcome StatvfsProbe::Look(base::MonotonicTime asked) {
  const base::MonotonicTime synced = clock_.Now();
  const auto stat = file_system_.StatFileSystem(layout_.directory());
  const base::MonotonicTime finished = clock_.Now();
  if (!stat.ok()) return FaultOf<ProbeOutcome>(stat.status());
  const VolumeIdentity seen{stat->device_id, stat->file_system_id};
  const auto marker_fault = FindMarkerFault();
  // A lost marker explains more than a changed device id: say that first.
  if (const auto* fault = std::get_if<VolumeFault>(&marker_fault)) return *fault;
  if (seen != identity_) {
    return VolumeFault{
        DeviceCause::kWrongVolume,
        absl::StrFormat("'%s' is device %x filesystem %x now, was device %x filesystem %x",
                        layout_.directory(), seen.device_id, seen.file_system_id,
                        identity_.device_id, identity_.file_system_id)};
  }
  if (const auto* fault = std::get_if<ReadingFault>(&marker_fault)) return *fault;
  const ReadingOutcome outcome = JudgeReading(*stat, asked, finished);
  if (const auto* fault = std::get_if<ReadingFault>(&outcome)) return *fault;
  SpaceReading reading = std::get<SpaceReading>(outcome);
  reading.synced_for = synced - asked;
  return reading;
}

}  // namespace tidemark::monitor
