// Reads the space of one volume, and whether it still is that volume.
//
// Lifetime:  the FileSystem and the Clock outlive it.
// Threading: confined to the volume's own thread: every call may hang as long as the disk does. The
//            deadline is the caller's: who waits too long takes it for a missed reading.
// Errors:    Open as ReadVolumeMarker; Probe answers with what it saw.
#pragma once

#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "monitor/hold_set.h"
#include "monitor/space_reading.h"
#include "monitor/volume_layout.h"
#include "monitor/volume_marker.h"
#include "storage/fs/file_system.h"

namespace tidemark::monitor {

// Not the volume any more: a device hold. (A read-only mount is in the reading.)
struct VolumeFault {
  DeviceCause cause = DeviceCause::kIoError;
  std::string detail;

  bool operator==(const VolumeFault&) const = default;
};

using ProbeOutcome = std::variant<SpaceReading, ReadingFault, VolumeFault>;

class SpaceProbe {
 public:
  virtual ~SpaceProbe() = default;
  virtual ProbeOutcome Probe() = 0;
  // At once, whatever the filesystem is behind with: of what does not change in a moment.
  virtual ProbeOutcome Glance() = 0;
};

class StatvfsProbe final : public SpaceProbe {
 public:
  // Remembers device, filesystem and marker as they are now: later readings must agree.
  static absl::StatusOr<StatvfsProbe> Open(storage::FileSystem& file_system,
                                           const base::Clock& clock, const VolumeLayout& layout);

  ProbeOutcome Probe() override;
  ProbeOutcome Glance() override { return Look(clock_.Now()); }

  const VolumeMarker& marker() const { return marker_; }
  const VolumeIdentity& identity() const { return identity_; }
  std::uint64_t type_magic() const { return type_magic_; }

 private:
  StatvfsProbe(storage::FileSystem& file_system, const base::Clock& clock, VolumeLayout layout)
      : file_system_(file_system), clock_(clock), layout_(std::move(layout)) {}

  ProbeOutcome Look(base::MonotonicTime asked);
  std::variant<std::monostate, ReadingFault, VolumeFault> FindMarkerFault();

  storage::FileSystem& file_system_;
  const base::Clock& clock_;
  VolumeLayout layout_;
  VolumeMarker marker_;
  VolumeIdentity identity_;
  std::uint64_t marker_inode_ = 0;
  std::uint64_t type_magic_ = 0;
};

}  // namespace tidemark::monitor
