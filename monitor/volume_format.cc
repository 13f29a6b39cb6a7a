#include "monitor/volume_format.h"

#include <linux/magic.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "monitor/marks.h"
#include "monitor/space_reading.h"
#include "monitor/verdict_slots.h"

namespace tidemark::monitor {
namespace {

using storage::FileSystem;
using storage::FileSystemStat;
using storage::OpenMode;

// Made by mkfs; not somebody's data.
constexpr std::string_view kLostAndFound = "lost+found";

absl::Status RefuseIfNotMountpoint(FileSystem& file_system, const std::string& directory,
                                   const FileSystemStat& here) {
  TM_ASSIGN_OR_RETURN(const FileSystemStat parent,
                      file_system.StatFileSystem(storage::JoinPath(directory, "..")));
  if (parent.device_id != here.device_id) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrFormat("format '%s' refused: it is not a mount point (same device as its parent), "
                      "and --require-mountpoint was given",
                      directory));
}

absl::Status RefuseIfInUse(const VolumeLayout& layout, std::string_view why) {
  return absl::FailedPreconditionError(
      absl::StrFormat("format '%s' refused: %s; give an empty directory", layout.directory(), why));
}

// Only what a format that died half-way leaves: never anything that has held a verdict or data.
absl::Status RefuseIfNotEmpty(FileSystem& file_system, const VolumeLayout& layout,
                              const std::vector<std::string>& names) {
  static constexpr std::string_view kLeftovers[] = {
      VolumeLayout::kUnfinishedMarkerName, VolumeLayout::kVerdictSlotsName, VolumeLayout::kLockName,
      VolumeLayout::kPartitionsName, kLostAndFound};
  std::vector<std::string> foreign;
  for (const std::string& name : names) {
    if (std::ranges::find(kLeftovers, name) == std::end(kLeftovers)) foreign.push_back(name);
  }
  if (!foreign.empty()) {
    constexpr std::size_t kNamesShown = 5;
    const std::size_t count = foreign.size();
    foreign.resize(std::min(count, kNamesShown));
    return RefuseIfInUse(
        layout, absl::StrFormat("it holds %d foreign entries (%s%s)", count,
                                absl::StrJoin(foreign, ", "), count > kNamesShown ? ", …" : ""));
  }
  for (const std::string& name : names) {
    if (name == VolumeLayout::kPartitionsName) {
      TM_ASSIGN_OR_RETURN(const auto partitions, file_system.List(layout.partitions()));
      if (!partitions.empty()) {
        return RefuseIfInUse(layout, absl::StrFormat("its marker is gone but partitions/ holds %d "
                                                     "entries",
                                                     partitions.size()));
      }
    }
    if (name == VolumeLayout::kVerdictSlotsName) {
      TM_ASSIGN_OR_RETURN(const bool used, VerdictSlots::WereUsed(file_system, layout));
      if (used) {
        return RefuseIfInUse(layout, "its marker is gone but verdict.slots has been written to");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status RemoveLeftovers(FileSystem& file_system, const VolumeLayout& layout,
                             const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name == kLostAndFound) continue;
    const std::string path = storage::JoinPath(layout.directory(), name);
    TM_RETURN_IF_ERROR(name == VolumeLayout::kPartitionsName ? file_system.RemoveDirectory(path)
                                                             : file_system.RemoveFile(path));
  }
  return absl::OkStatus();
}

absl::Status WriteFile(FileSystem& file_system, const std::string& path,
                       std::vector<std::byte> bytes) {
  TM_ASSIGN_OR_RETURN(const auto file, file_system.Open(path, OpenMode::kCreate));
  const iovec slice{bytes.data(), bytes.size()};
  TM_RETURN_IF_ERROR(file->WriteAt(base::FilePosition(0), {&slice, 1}));
  return file->SyncAll();
}

absl::Status MakeContents(FileSystem& file_system, const VolumeLayout& layout, bool no_cow,
                          const VolumeMarker& marker, const Marks& marks) {
  VerdictRecord first;
  first.volume = marker.uuid;
  first.marks = marks;
  first.marks_set_by = "defaults";
  TM_RETURN_IF_ERROR(VerdictSlots::Create(file_system, layout, no_cow, first));
  TM_RETURN_IF_ERROR(WriteFile(file_system, layout.lock(), {}));
  TM_RETURN_IF_ERROR(file_system.CreateDirectory(layout.partitions()));
  TM_RETURN_IF_ERROR(file_system.SyncDirectory(layout.partitions()));
  TM_RETURN_IF_ERROR(
      WriteFile(file_system, layout.unfinished_marker(), EncodeVolumeMarker(marker)));
  // All of it durable before the name that makes it count.
  TM_RETURN_IF_ERROR(file_system.SyncDirectory(layout.directory()));
  TM_RETURN_IF_ERROR(file_system.Rename(layout.unfinished_marker(), layout.marker()));
  TM_RETURN_IF_ERROR(file_system.SyncDirectory(layout.directory()));
  return file_system.SyncDirectory(storage::JoinPath(layout.directory(), ".."));
}

}  // namespace

absl::StatusOr<VolumeMarker> FormatVolume(FileSystem& file_system, const std::string& directory,
                                          const FormatOptions& options, const base::Clock& clock) {
  const VolumeLayout layout(directory);
  TM_ASSIGN_OR_RETURN(const FileSystemStat stat, file_system.StatFileSystem(directory));
  if (options.require_mountpoint) {
    TM_RETURN_IF_ERROR(RefuseIfNotMountpoint(file_system, directory, stat));
  }
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system.List(directory));
  if (std::ranges::find(names, VolumeLayout::kMarkerName) != names.end()) {
    const auto existing = ReadVolumeMarker(file_system, layout);
    if (!existing.ok()) {
      return RefuseIfInUse(layout, absl::StrFormat("it has a marker that cannot be read (%s)",
                                                   existing.status().message()));
    }
    return absl::AlreadyExistsError(absl::StrFormat("format '%s' refused: it is volume %s already",
                                                    directory, existing->uuid.ToString()));
  }
  TM_RETURN_IF_ERROR(RefuseIfNotEmpty(file_system, layout, names));

  const base::MonotonicTime now = clock.Now();
  const ReadingOutcome outcome = JudgeReading(stat, now, now);
  const auto* reading = std::get_if<SpaceReading>(&outcome);
  if (reading == nullptr) {
    return absl::UnavailableError(
        absl::StrFormat("format '%s': the filesystem's numbers make no sense: %s", directory,
                        std::get<ReadingFault>(outcome).detail));
  }
  const VolumeMarker marker{.uuid = base::Uuid::Random(),
                            .capacity_bytes = reading->total_bytes,
                            .formatted_at = clock.WallNow()};
  const bool no_cow = stat.type_magic == BTRFS_SUPER_MAGIC;
  const Marks marks = DeriveMarks(reading->total_bytes, reading->inodes_total);
  if (options.marks_must_fit) {
    if (absl::Status status = ValidateMarks(marks, FitOf(*reading, /*partitions=*/1));
        !status.ok()) {
      return base::Annotate(status,
                            absl::StrFormat("format '%s' refused: it could not start", directory));
    }
  }
  TM_RETURN_IF_ERROR(RemoveLeftovers(file_system, layout, names));
  if (absl::Status status = MakeContents(file_system, layout, no_cow, marker, marks);
      !status.ok()) {
    return base::Annotate(status, absl::StrFormat("format '%s'", directory));
  }
  return marker;
}

}  // namespace tidemark::monitor
