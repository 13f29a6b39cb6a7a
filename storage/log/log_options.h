// How one partition's log behaves. The sizes come from the volume's capacity or the topic.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "storage/codec/batch.h"

namespace tidemark::storage {

struct LogOptions {
  std::int64_t segment_bytes = 64 * 1024 * 1024;
  std::int64_t step_bytes = 4 * 1024 * 1024;
  // A segment takes no more batches when its first one is older than this (wall clock).
  base::Duration roll_after = std::chrono::hours(24 * 7);
  // Steps are asked for ahead of need only while the partition is in use.
  base::Duration idle_after = std::chrono::seconds(30);
  BatchLimits limits;
};

struct RetentionLimits {
  std::optional<std::int64_t> bytes;  // of st_blocks, all segments of the partition
  std::optional<base::Duration> age;  // of a segment's newest record
};

// One moment on both clocks: the monotonic one decides about idleness, the wall about record ages.
struct Moment {
  base::MonotonicTime monotonic;
  base::WallMillis wall = 0;
};

}  // namespace tidemark::storage
