// The durable verdict of one volume: two slots allocated at format, overwritten by turns, so that
// it can be changed with 0 bytes and 0 inodes free. Which record is the newest, and whether that
// may be believed.
//
//   format writes generation 0 into the first slot; the second stays zero until generation 1.
//   slots        | loaded.record       | loaded.unreadable_slots
//   -------------|---------------------|------------------------
//   0, zero      | 0: fresh            | 0
//   n, n+1       | n+1                 | 0
//   n, torn      | n                   | 1   → space(unproven) at n + 2: the torn one may have been
//   n>0, zero    | n                   | 1     n + 1, and nobody knows what it said
//   torn, torn   | none                | 2
//   zero, zero   | none: wiped         | 2
//   of another volume's UUID: as torn.
//
// Open() writes the newest over itself and syncs: a killed process may have left it in the page
// cache only, and who reports a generation that a power cut takes back has lied.
//
// Lifetime:  owns the open file. Outlived by the FileSystem.
// Threading: confined to one thread at a time; all calls block on the disk.
// Errors:    Open → kUnimplemented if a later version wrote it; kNotFound, kDataLoss (not 8192
//            bytes) and errno statuses: the volume is not as `format` left it. A failed Write
//            leaves the state of the disk unknown: a device matter, and every later Write is
//            refused.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/uuid.h"
#include "monitor/verdict_record.h"
#include "monitor/volume_layout.h"
#include "storage/fs/file_system.h"
#include "storage/fs/slot_pair.h"

namespace tidemark::monitor {

struct LoadedVerdict {
  // The newest that can be read.
  std::optional<VerdictRecord> record;
  // Not 0: the newest may be lost. The policy must hold for space, unproven, at generation + 2.
  int unreadable_slots = 0;

  bool operator==(const LoadedVerdict&) const = default;
};

class VerdictSlots {
 public:
  // Makes the slots with their first record. The caller syncs the directory.
  static absl::Status Create(storage::FileSystem& file_system, const VolumeLayout& layout,
                             bool no_cow, const VerdictRecord& first);
  // True if they ever held more than what Create() writes: `format` must leave them alone.
  static absl::StatusOr<bool> WereUsed(storage::FileSystem& file_system,
                                       const VolumeLayout& layout);
  static absl::StatusOr<VerdictSlots> Open(storage::FileSystem& file_system,
                                           const VolumeLayout& layout, const base::Uuid& volume);

  const LoadedVerdict& loaded() const { return loaded_; }

  // Durable when it returns OK; what is told afterwards must be DurableForm(record). The
  // generation must be above that of every record readable before.
  absl::Status Write(const VerdictRecord& record);

 private:
  explicit VerdictSlots(storage::SlotPair pair) : pair_(std::move(pair)) {}

  storage::SlotPair pair_;
  LoadedVerdict loaded_;
  std::optional<base::Generation> newest_generation_;
};

}  // namespace tidemark::monitor
