#include "tests/integration/disks/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "monitor/volume_layout.h"
#include "storage/log/partition_directory.h"
#include "storage/segment/segment_name.h"
#include "tests/support/child_process.h"
#include "tests/support/file_system_tools.h"

namespace tidemark::disks {
namespace {

using support::ForeignFiller;

// btrfs shows what is free only after a commit.
absl::Status SyncFileSystem(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return base::ErrnoStatus(errno, "open " + path);
  const int failed = ::syncfs(fd);
  const int error_number = errno;
  ::close(fd);
  return failed == 0 ? absl::OkStatus() : base::ErrnoStatus(error_number, "syncfs " + path);
}

absl::StatusOr<std::int64_t> ReallyAllocated(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return base::ErrnoStatus(errno, "stat " + path);
  constexpr std::int64_t kBlockUnit = 512;
  return std::min<std::int64_t>(st.st_blocks * kBlockUnit, st.st_size);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Disk>> Disk::Create(const DiskCase& disk_case) {
  std::unique_ptr<Disk> disk(new Disk(disk_case));
  TM_RETURN_IF_ERROR(disk->Make());
  return disk;
}

Disk::~Disk() = default;

absl::Status Disk::Make() {
  support::SmallVolume::Options options = case_.volume;
  options.world_writable = true;
  if (case_.cause == Cause::kThin) {
    if (::geteuid() != 0) return absl::UnimplementedError("no thin volume: not root");
    TM_RETURN_IF_ERROR(MakePool());
    options.image_directory = pool_->path();
  }
  TM_ASSIGN_OR_RETURN(volume_, support::SmallVolume::Create(options));
  const std::string& shared = pool_ != nullptr ? pool_->path() : volume_->path();
  for (auto* filler : {&ballast_, &neighbour_, &competitor_}) {
    TM_ASSIGN_OR_RETURN(*filler, ForeignFiller::Create(shared));
  }
  if (::mkdir(directory().c_str(), S_IRWXU) != 0) return base::ErrnoStatus(errno, "mkdir");
  return support::GiveToDaemons(directory());
}

// Two devices, one upon the other, are slow to sync: so what carries them is memory.
absl::Status Disk::MakePool() {
  using support::SmallVolume;
  TM_ASSIGN_OR_RETURN(memory_, SmallVolume::Create({.kind = SmallVolume::Kind::kTmpfs,
                                                    .size_bytes = 2 * case_.thin_pool_bytes}));
  TM_ASSIGN_OR_RETURN(pool_, SmallVolume::Create({.kind = SmallVolume::Kind::kExt4,
                                                  .size_bytes = case_.thin_pool_bytes,
                                                  .inodes = 64,
                                                  .image_directory = memory_->path()}));
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> Disk::QuotaLeft() const {
  TM_ASSIGN_OR_RETURN(const std::int64_t used, support::BtrfsQuotaUsed(root()));
  return volume_->quota_bytes() - used;
}

absl::StatusOr<Sight> Disk::Look() const {
  // Where a sync has failed, another tells nothing.
  if (case_.cause != Cause::kThin) TM_RETURN_IF_ERROR(SyncFileSystem(root()));
  struct statvfs st {};
  if (::statvfs(root().c_str(), &st) != 0) return base::ErrnoStatus(errno, "statvfs");
  Sight sight;
  sight.available_bytes = static_cast<std::int64_t>(st.f_bavail * st.f_frsize);
  sight.free_bytes = static_cast<std::int64_t>(st.f_bfree * st.f_frsize);
  sight.available_inodes = static_cast<std::int64_t>(st.f_favail);
  if (case_.cause == Cause::kQuota) {
    TM_ASSIGN_OR_RETURN(sight.quota_left_bytes, QuotaLeft());
  }
  return sight;
}

absl::Status Disk::MakeHeadroom() {
  if (case_.cause == Cause::kInodes) return absl::OkStatus();
  if (case_.cause == Cause::kThin) return ballast_->FillUntilLeft(kHeadroomBytes);
  TM_RETURN_IF_ERROR(SyncFileSystem(root()));
  if (case_.cause == Cause::kQuota) {
    TM_RETURN_IF_ERROR(ballast_->Free());
    TM_ASSIGN_OR_RETURN(const std::int64_t left, QuotaLeft());
    // What btrfs has promised to metadata of this transaction counts, too, for a while.
    constexpr std::int64_t kPromisedBytes = 4 * base::kMiB;
    return ballast_->Take(
        std::max<std::int64_t>(base::kMiB, left - kHeadroomBytes - kPromisedBytes));
  }
  constexpr std::int64_t kLevel = kFullBytes + kHeadroomBytes;
  TM_ASSIGN_OR_RETURN(const std::int64_t now, ForeignFiller::AvailableBytes(root()));
  if (now < kLevel) TM_RETURN_IF_ERROR(ballast_->Free());
  TM_RETURN_IF_ERROR(SyncFileSystem(root()));
  // btrfs shows what was taken late: in strides, and looked at between them.
  while (true) {
    TM_ASSIGN_OR_RETURN(const std::int64_t available, ForeignFiller::AvailableBytes(root()));
    const std::int64_t excess = available - kLevel;
    if (excess < base::kMiB / 4) return absl::OkStatus();
    TM_RETURN_IF_ERROR(ballast_->Take(excess / 4096 * 4096));
    TM_RETURN_IF_ERROR(SyncFileSystem(root()));
  }
}

absl::Status Disk::FillUp(std::int64_t left_bytes) {
  switch (case_.cause) {
    case Cause::kInodes:
      return neighbour_->TakeInodesUntilLeft(case_.phantom_inodes);
    case Cause::kQuota:
      return neighbour_->FillCompletely();
    case Cause::kThin:
      return neighbour_->FillUntilLeft(left_bytes);
    case Cause::kBytes:
    case Cause::kReserved:
      break;
  }
  while (true) {
    TM_RETURN_IF_ERROR(SyncFileSystem(root()));
    TM_ASSIGN_OR_RETURN(const std::int64_t available, ForeignFiller::AvailableBytes(root()));
    const std::int64_t excess = (available - left_bytes) / 4096 * 4096;
    if (excess <= 0) return absl::OkStatus();
    if (neighbour_->Take(excess).ok()) continue;
    // Less can be had than is shown.
    if (case_.cause == Cause::kBytes) return neighbour_->FillCompletely();
    return neighbour_->FillUntilLeft(left_bytes);
  }
}

absl::Status Disk::ForeignDelete() { return neighbour_->Free(); }

absl::Status Disk::Grow() {
  if (case_.cause == Cause::kThin) return pool_->Grow(kGrowthBytes);
  if (case_.cause == Cause::kQuota) return volume_->GrowQuota(kGrowthBytes / 2);
  return volume_->Grow(kGrowthBytes);
}

absl::Status Disk::GrowUnmounted() {
  for (auto* filler : {&ballast_, &neighbour_, &competitor_}) (*filler)->LetGo();
  if (case_.cause == Cause::kThin) {
    TM_RETURN_IF_ERROR(volume_->Unmount());
    TM_RETURN_IF_ERROR(pool_->GrowUnmounted(kGrowthBytes));
    TM_RETURN_IF_ERROR(volume_->MountAgain());
  } else {
    TM_RETURN_IF_ERROR(volume_->GrowUnmounted(kGrowthBytes));
  }
  for (auto* filler : {&ballast_, &neighbour_, &competitor_}) {
    TM_RETURN_IF_ERROR((*filler)->ComeBack());
  }
  return absl::OkStatus();
}

absl::Status Disk::Remount() {
  TM_RETURN_IF_ERROR(volume_->Unmount());
  return volume_->MountAgain();
}

absl::Status Disk::StartCompeting() {
  return competitor_->StartGrabbing(case_.cause == Cause::kInodes ? ForeignFiller::Prey::kInodes
                                                                  : ForeignFiller::Prey::kBytes);
}

std::int64_t Disk::competitor_took() const {
  return case_.cause == Cause::kInodes ? competitor_->grabbed_inodes()
                                       : competitor_->grabbed_bytes();
}

absl::Status Disk::StopCompeting() {
  TM_RETURN_IF_ERROR(competitor_->StopGrabbing());
  return competitor_->Free();
}

absl::StatusOr<std::int64_t> Disk::ReserveHeldBytes() const {
  return ReallyAllocated(monitor::VolumeLayout(directory()).reserve());
}

absl::StatusOr<Disk::NewestSegment> Disk::FindNewestSegment(std::uint64_t partition) const {
  const std::string place = storage::PartitionPath(monitor::VolumeLayout(directory()).partitions(),
                                                   base::PartitionId(partition));
  std::optional<base::Offset> newest;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(place, error)) {
    newest = std::max(newest, storage::ParseSegmentFileName(entry.path().filename().string()));
  }
  if (!newest.has_value()) return absl::NotFoundError("no segment in " + place);
  TM_ASSIGN_OR_RETURN(const std::int64_t allocated,
                      ReallyAllocated(place + "/" + storage::SegmentFileName(*newest)));
  return NewestSegment{newest->value(), allocated};
}

}  // namespace tidemark::disks
