// What a partition remembers apart from its segments: two slots in its directory, allocated when it
// was created, so that trimming and deleting work on a full disk.
//
// Lifetime:  value type and functions.
// Threading: any thread, one call at a time per partition; all but the codec block on the disk.
// Errors:    Decode, Load → kDataLoss; errno statuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"
#include "storage/fs/file_system.h"

namespace tidemark::storage {

// Offsets that should be there and are not.
struct LostRange {
  base::Offset first;
  base::Offset end;  // behind the last lost one
  bool operator==(const LostRange&) const = default;
};

// Why the partition may not be written until someone acknowledges the loss.
struct LostDataHold {
  std::string reason;             // cut to 512 bytes on disk
  std::vector<LostRange> ranges;  // at most 64 on disk; the last one then spans the rest
  bool operator==(const LostDataHold&) const = default;
};

struct PartitionState {
  base::PartitionId id;
  std::string topic;  // only a name for people, never a path; at most 249 bytes
  std::uint32_t index = 0;
  base::Offset log_start;
  std::uint32_t leader_epoch = 0;
  bool tombstone = false;
  // Where the log ended when it was closed cleanly; absent while it is open.
  std::optional<base::Offset> clean_end;
  std::optional<LostDataHold> lost_data;
  bool operator==(const PartitionState&) const = default;
};

inline constexpr char kPartitionStateFile[] = "state";
inline constexpr std::size_t kTopicNameBytesMax = 249;

std::vector<std::byte> EncodePartitionState(const PartitionState& state);
absl::StatusOr<PartitionState> DecodePartitionState(std::span<const std::byte> payload);

// In the partition's directory `directory`. Create leaves no file behind when it fails; Save
// overwrites in place.
absl::Status CreatePartitionState(FileSystem& file_system, const std::string& directory,
                                  const PartitionState& state);
absl::StatusOr<PartitionState> LoadPartitionState(FileSystem& file_system,
                                                  const std::string& directory);
absl::Status SavePartitionState(FileSystem& file_system, const std::string& directory,
                                const PartitionState& state);

}  // namespace tidemark::storage
