// What a failed system call means for the volume: the operation outranks the number.
//
// ENOSPC at an allocation is a full disk; the same ENOSPC at a sync (thin pools give it) means that
// nobody knows what is on the disk.
//
// Lifetime:  none.
// Threading: pure.
// Errors:    none; an errno without a row of its own means kRefused.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "monitor/hold_set.h"

namespace tidemark::monitor {

enum class DiskOperation : std::uint8_t {
  kAllocate,  // fallocate, create, mkdir, extend: nothing was promised yet
  kSync,      // fsync, fdatasync, syncfs, of a file or a directory
  kJournal,   // any write to the journal, a slot, a segment's durable step
  kRead,
  kRemove,  // unlink, truncate down: must work on a full disk
  kStat,    // statvfs, stat
};

enum class ErrnoMeaning : std::uint8_t {
  kSpace,        // a space hold; nothing was acknowledged, nothing is lost
  kDevice,       // a device hold; unknown what is on disk, never retried and acked
  kUnavailable,  // out of descriptors or memory: not the disk's fault, try again
  kRefused,      // about this one call (a name, a permission, our own mistake): no hold
};

struct ErrnoVerdict {
  ErrnoMeaning meaning = ErrnoMeaning::kRefused;
  SpaceCause space_cause = SpaceCause::kBytes;       // if kSpace; inodes are told by the readings
  DeviceCause device_cause = DeviceCause::kIoError;  // if kDevice

  bool operator==(const ErrnoVerdict&) const = default;
};

ErrnoVerdict JudgeErrno(DiskOperation operation, int error_number);
// Of a status made by base::ErrnoStatus; one without an errno is kDevice at a sync or journal write
// (it failed all the same) and kRefused elsewhere. `status` is not OK.
ErrnoVerdict JudgeStatus(DiskOperation operation, const absl::Status& status);

std::string_view ErrnoMeaningName(ErrnoMeaning meaning);

}  // namespace tidemark::monitor
