#include "spu/volume/volume_disk.h"

#include <linux/magic.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace tidemark::spu {

absl::StatusOr<std::shared_ptr<VolumeDisk>> VolumeDisk::Open(storage::FileSystem& file_system,
                                                             const base::Clock& clock,
                                                             const std::string& path) {
  monitor::VolumeLayout layout(path);
  const std::string context = absl::StrFormat("open volume '%s'", path);
  // The marker first: without it nothing here is ours, and nothing may be touched.
  auto probe = monitor::StatvfsProbe::Open(file_system, clock, layout);
  if (!probe.ok()) return base::Annotate(probe.status(), context);
  auto lock = file_system.Lock(layout.lock());
  if (!lock.ok()) return base::Annotate(lock.status(), context);
  auto slots = monitor::VerdictSlots::Open(file_system, layout, probe->marker().uuid);
  if (!slots.ok()) return base::Annotate(slots.status(), context);
  return std::shared_ptr<VolumeDisk>(new VolumeDisk(
      file_system, std::move(layout), *std::move(lock), *std::move(probe), *std::move(slots)));
}

bool VolumeDisk::sync_before_reading() const { return probe_.type_magic() == BTRFS_SUPER_MAGIC; }

}  // namespace tidemark::spu
