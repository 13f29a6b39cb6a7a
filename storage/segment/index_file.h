// The sparse index of a closed segment on disk, with what else is worth knowing without reading the
// segment: where its data ends, its last offset, its newest timestamp.
//
// Never needed: missing, unreadable or disagreeing with the segment, it is rebuilt by a scan.
//
// Lifetime:  functions.
// Threading: any thread; Write and Read block on the disk.
// Errors:    Decode → kDataLoss. Write leaves nothing behind when it fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/fs/file_system.h"
#include "storage/segment/sparse_index.h"

namespace tidemark::storage {

struct ClosedSegmentIndex {
  base::Offset base_offset;
  base::Offset end_offset;
  base::FilePosition data_end;
  SparseIndex index;
};

std::int64_t IndexFileBytes(std::size_t entry_count);
std::vector<std::byte> EncodeIndex(const ClosedSegmentIndex& index);
absl::StatusOr<ClosedSegmentIndex> DecodeIndex(std::span<const std::byte> bytes);

// Replaces what is there. kResourceExhausted is expected on a full volume and harmless.
absl::Status WriteIndexFile(FileSystem& file_system, const std::string& directory,
                            const ClosedSegmentIndex& index);
absl::StatusOr<ClosedSegmentIndex> ReadIndexFile(FileSystem& file_system,
                                                 const std::string& directory,
                                                 base::Offset base_offset);

}  // namespace tidemark::storage
