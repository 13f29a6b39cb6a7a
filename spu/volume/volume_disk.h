// Everything of one volume that blocks on its disk: identity, lock, verdict slots, reserve, probe.
//
// Shared by the loop and the threads that make the calls, so that a call that never returns (a hung
// mount) keeps alive what it uses after everyone else has given up.
//
// Lifetime:  holds the volume's lock until the last owner is gone.
// Threading: slots() one call at a time (the policy has one write under way); probe() only on the
//            volume's space thread; reserve() and trial() only in room jobs, one at a time, but
//            for the reserve's HeldBytes(). file_system() anywhere.
// Errors:    Open() says what is wrong and what to do about it: kFailedPrecondition (no marker, or
//            locked by another process), kDataLoss, errno statuses.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "monitor/reserve_file.h"
#include "monitor/room_trial.h"
#include "monitor/statvfs_probe.h"
#include "monitor/verdict_slots.h"
#include "monitor/volume_layout.h"
#include "spu/volume/reserve_backed_file_system.h"
#include "storage/fs/file_system.h"

namespace tidemark::spu {

class VolumeDisk {
 public:
  static absl::StatusOr<std::shared_ptr<VolumeDisk>> Open(storage::FileSystem& file_system,
                                                          const base::Clock& clock,
                                                          const std::string& path);

  const base::Uuid& uuid() const { return probe_.marker().uuid; }
  std::int64_t capacity_bytes() const { return probe_.marker().capacity_bytes; }
  const monitor::VolumeLayout& layout() const { return layout_; }
  const std::string& path() const { return layout_.directory(); }
  std::uint64_t device_id() const { return probe_.identity().device_id; }
  const monitor::VolumeIdentity& identity() const { return probe_.identity(); }
  // btrfs shows our own allocations and frees only after a syncfs.
  bool sync_before_reading() const;

  // What partitions use: an unlink of theirs may cost the reserve.
  ReserveBackedFileSystem& file_system() { return file_system_; }
  monitor::VerdictSlots& slots() { return slots_; }
  const monitor::VerdictSlots& slots() const { return slots_; }
  monitor::ReserveFile& reserve() { return reserve_; }
  monitor::RoomTrial& trial() { return trial_; }
  monitor::StatvfsProbe& probe() { return probe_; }

 private:
  VolumeDisk(storage::FileSystem& file_system, monitor::VolumeLayout layout,
             std::unique_ptr<storage::FileLock> lock, monitor::StatvfsProbe probe,
             monitor::VerdictSlots slots)
      : file_system_(file_system, layout),
        layout_(std::move(layout)),
        lock_(std::move(lock)),
        probe_(std::move(probe)),
        slots_(std::move(slots)),
        reserve_(file_system, layout_),
        trial_(file_system, layout_) {}

  ReserveBackedFileSystem file_system_;
  monitor::VolumeLayout layout_;
  std::unique_ptr<storage::FileLock> lock_;
  monitor::StatvfsProbe probe_;
  monitor::VerdictSlots slots_;
  monitor::ReserveFile reserve_;
  monitor::RoomTrial trial_;
};

}  // namespace tidemark::spu
