// Durable steps: space that is really allocated and synced before an append is admitted into it.
//
// fallocate alone does not survive a power cut (measured: the step and even the new file are gone),
// so the last block is written and the file, and the directory of a new file, are synced.
//
// Lifetime:  requests and results are values; a result of a new segment holds its open file.
// Threading: any thread; AllocateStep and GiveBackStep block on the disk. They open the file anew,
//            so that the commit thread's File is never shared.
// Errors:    in StepResult::status, errno statuses. A failed AllocateStep has given back what it
//            took (ext4 keeps partial extents) and left the segment as it was.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "storage/fs/file_system.h"
#include "storage/segment/space_cost.h"

namespace tidemark::storage {

struct StepRequest {
  std::string directory;
  base::Offset segment_base;
  base::FilePosition position;  // where the allocation ends so far
  std::int64_t length_bytes = 0;
  bool new_segment = false;  // makes the file

  SpaceCost cost() const;
};

struct StepResult {
  StepRequest request;
  absl::Status status;
  bool sync_failed = false;          // a device matter, whatever the errno
  std::shared_ptr<File> file;        // of a new segment
  std::int64_t allocated_bytes = 0;  // st_blocks of the whole file
};

StepResult AllocateStep(FileSystem& file_system, const StepRequest& request);

}  // namespace tidemark::storage
