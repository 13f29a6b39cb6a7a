// Reads whole batches of one segment, and finds the first record of a time.
//
// A read is planned on the loop (which knows how far readers may see) and executed anywhere. What
// lies below the planned end never changes any more, so it needs no lock against the writer.
//
// Lifetime:  a request holds its file open, if the segment is: an unlinked one can be read to the
//            end of the request and no longer.
// Threading: any thread; blocks on the disk.
// Errors:    kDataLoss with file and position for bytes that are no batch; kNotFound if the segment
//            was deleted since the plan was made (plan again: it will say OffsetOutOfRange).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/codec/buffer.h"
#include "storage/fs/file_system.h"
#include "storage/segment/index_file.h"

namespace tidemark::storage {

struct SegmentSource {
  std::string directory;
  base::Offset segment_base;
  std::shared_ptr<const File> file;                 // null: opened by the reader
  std::shared_ptr<const ClosedSegmentIndex> index;  // null: loaded by the reader, or done without
};

struct ReadRequest {
  SegmentSource source;
  base::Offset from;                     // the first batch returned contains it
  base::FilePosition start;              // a batch boundary at or before it
  base::FilePosition end;                // a batch boundary; nothing behind it is visible
  std::int64_t bytes_max = 1024 * 1024;  // at least one batch is returned, however long
};

struct ReadBatches {
  SegmentSource source;  // with what was opened and loaded, for the next plan
  Buffer batches;        // whole batches, one after the other; empty only if `from` is at the end
  base::Offset next_offset;  // behind the last of them
};

absl::StatusOr<ReadBatches> ReadSegment(FileSystem& file_system, const ReadRequest& request);

struct TimeSearch {
  SegmentSource source;
  base::WallMillis timestamp = 0;
  base::Offset from;  // no record before it
  base::FilePosition start;
  base::FilePosition end;
};

struct TimedOffset {
  base::Offset offset;
  base::WallMillis timestamp = 0;
};

// The first record not older than the timestamp; nullopt if all are older. Of a compressed batch,
// the batch's first offset and newest timestamp.
absl::StatusOr<std::optional<TimedOffset>> SearchTime(FileSystem& file_system,
                                                      const TimeSearch& search);

}  // namespace tidemark::storage
