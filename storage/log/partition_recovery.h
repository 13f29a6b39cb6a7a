// Opens a partition: finds out what is really on disk and makes it consistent.
//
// Earlier segments are judged by their index (checksummed) and their size; one without a usable
// index, and the last one always, are read. What happens then is decided by recovery_table.h.
// Nothing is allocated: opening works on a full disk. Running it twice gives the same.
//
// Lifetime:  the result holds the active segment's file.
// Threading: any thread, one call at a time per partition; blocks on the disk.
// Errors:    errno statuses; kDataLoss if the state slots are unreadable; kNotFound. Damage in
//            segments is not an error: it is in the result, durable as a lost-data hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/log/log_options.h"
#include "storage/log/log_segment.h"
#include "storage/log/partition_state.h"

namespace tidemark::storage {

struct Damage {
  LostRange range;
  std::string file;
  std::string what;
};

struct RecoveredPartition {
  std::string directory;
  PartitionState state;              // as it now is on disk
  std::vector<LogSegment> segments;  // ascending; the last one is active if `has_active`
  bool has_active = false;
  SparseIndex active_index;
  base::Offset log_end;
  std::vector<Damage> damages;
  // For the log: what was done.
  bool clean_stop = false;
  std::int64_t torn_bytes = 0;  // cut from the tail
  std::int64_t segments_scanned = 0;
  std::vector<std::string> notes;  // one line per remarkable thing
};

absl::StatusOr<RecoveredPartition> OpenPartition(FileSystem& file_system,
                                                 const std::string& directory,
                                                 const LogOptions& options);

}  // namespace tidemark::storage
