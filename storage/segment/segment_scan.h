// Walks a segment from its first byte, checks every batch, and says what is there: how far the log
// goes, what is damaged, how it ends. Decides nothing and changes nothing (recovery_table.h does
// the first, partition_recovery.h the second).
//
// Lifetime:  function; reads through one buffer of about 2 MiB, whatever the file says.
// Threading: any thread; blocks on the disk.
// Errors:    errno statuses of reads. Damage is a result, not an error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/codec/batch_codec.h"
#include "storage/fs/file_system.h"
#include "storage/segment/recovery_table.h"
#include "storage/segment/sparse_index.h"

namespace tidemark::storage {

// Bytes inside a segment that are not a valid next batch, with valid batches behind them.
struct DamagedBytes {
  base::Offset first_lost;  // first offset that should have been there
  base::Offset resumes_at;  // base offset of the valid batch behind it
  base::FilePosition from;
  base::FilePosition to;
  TailEvidence evidence = TailEvidence::kBadHeader;
  std::string what;
};

struct SegmentScan {
  base::Offset base_offset;
  base::Offset end_offset;      // behind the last valid batch
  base::FilePosition data_end;  // likewise
  SparseIndex index;
  std::vector<DamagedBytes> holes;
  // How the file goes on behind data_end, nothing valid being there.
  TailEvidence tail = TailEvidence::kEnd;
  std::string tail_detail;
  base::FilePosition garbage_end;  // behind the last byte that is not zero; ≥ data_end
  std::int64_t file_bytes = 0;
  std::int64_t batch_count = 0;
};

absl::StatusOr<SegmentScan> ScanSegment(const File& file, base::Offset base_offset,
                                        std::int64_t index_interval_bytes);

}  // namespace tidemark::storage
