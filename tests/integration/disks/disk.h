// One small real filesystem, its neighbours, and our own look at it, past the product.
//
// Lifetime:  unmounted and removed when destroyed.
// Threading: confined to the thread that created it.
// Errors:    kUnimplemented with the reason where this machine cannot make such a disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/integration/disks/disk_case.h"
#include "tests/support/foreign_filler.h"
#include "tests/support/small_volume.h"

namespace tidemark::disks {

// What the filesystem itself says.
struct Sight {
  std::int64_t available_bytes = 0;
  std::int64_t free_bytes = 0;  // with what only root may use
  std::int64_t available_inodes = 0;
  std::int64_t quota_left_bytes = 0;  // kQuota only
};

class Disk {
 public:
  static absl::StatusOr<std::unique_ptr<Disk>> Create(const DiskCase& disk_case);
  ~Disk();

  const DiskCase& disk_case() const { return case_; }
  const std::string& root() const { return volume_->path(); }
  std::string directory() const { return root() + "/tidemark"; }  // of the product

  absl::StatusOr<Sight> Look() const;

  // Leaves kHeadroomBytes until the volume is full.
  absl::Status MakeHeadroom();
  // The neighbour takes the rest, down to `left_bytes`; of inodes or quota down to nothing.
  absl::Status FillUp(std::int64_t left_bytes);
  // The neighbour deletes what it took.
  absl::Status ForeignDelete();
  // kUnimplemented where that needs the filesystem unmounted.
  absl::Status Grow();
  // Nobody but the neighbours may have a file open.
  absl::Status GrowUnmounted();

  // kThin: away and back, so that no page of it is in memory. Nobody may have a file open.
  absl::Status Remount();

  // Takes whatever becomes free, from now on.
  absl::Status StartCompeting();
  // It stops, and keeps what it took.
  absl::Status PauseCompeting() { return competitor_->StopGrabbing(); }
  // Of bytes or inodes, whichever the case is about.
  std::int64_t competitor_took() const;
  // It stops and gives everything back.
  absl::Status StopCompeting();

  // st_blocks of the reserve file, and its length, as the filesystem tells them.
  absl::StatusOr<std::int64_t> ReserveHeldBytes() const;
  // st_blocks of the partition's newest segment, and the offset its name says it begins at.
  struct NewestSegment {
    std::int64_t base_offset = 0;
    std::int64_t allocated_bytes = 0;
  };
  absl::StatusOr<NewestSegment> FindNewestSegment(std::uint64_t partition) const;

 private:
  explicit Disk(const DiskCase& disk_case) : case_(disk_case) {}
  absl::Status Make();
  absl::Status MakePool();
  absl::StatusOr<std::int64_t> QuotaLeft() const;

  const DiskCase& case_;
  std::unique_ptr<support::SmallVolume> memory_;  // kThin: the pool's image lies here, all of it
  std::unique_ptr<support::SmallVolume> pool_;    // kThin: the volume's image lies here
  std::unique_ptr<support::SmallVolume> volume_;
  // On the pool of a thin volume, else on the volume.
  std::unique_ptr<support::ForeignFiller> ballast_;  // what is always taken
  std::unique_ptr<support::ForeignFiller> neighbour_;
  std::unique_ptr<support::ForeignFiller> competitor_;
};

}  // namespace tidemark::disks
