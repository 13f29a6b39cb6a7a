// The marks of one volume: at how much available space it stops (full), may go on (resume) and
// warns (low), and the sizes of what it allocates.
//
//   0 ──── full ──── resume ──── low ──────────────── capacity      (bytes available)
//     Full  │  the gap: keeps   │ Low │      Ok
//           │  what it was      │
//
// Lifetime:  value types, hold no references.
// Threading: none of its own.
// Errors:    kInvalidArgument with both numbers where an order, a gap or the fit is violated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/byte_size.h"
#include "monitor/space_reading.h"

namespace tidemark::monitor {

struct Marks {
  std::int64_t capacity_bytes = 0;  // of the filesystem when the volume was formatted
  std::int64_t segment_bytes = 0;
  std::int64_t step_bytes = 0;     // a segment grows by this much, synced ahead of need
  std::int64_t reserve_bytes = 0;  // the reserve file
  std::int64_t full_bytes = 0;
  std::int64_t resume_bytes = 0;
  std::int64_t low_bytes = 0;
  std::int64_t full_inodes = 0;  // all three 0 where the filesystem counts no inodes
  std::int64_t resume_inodes = 0;
  std::int64_t low_inodes = 0;

  // Space between "stop" and "go on": what the steps of a proof may take half of.
  std::int64_t gap_bytes() const { return resume_bytes - full_bytes; }
  std::int64_t gap_inodes() const { return resume_inodes - full_inodes; }

  bool operator==(const Marks&) const = default;
};

// What the configuration sets; percents are of the capacity (or of the inodes). Each is a mark
// itself: resume is not "above full by", but available space.
struct MarksOverrides {
  std::optional<base::SizeSpec> segment;
  std::optional<base::SizeSpec> step;
  std::optional<base::SizeSpec> reserve;
  std::optional<base::SizeSpec> full;
  std::optional<base::SizeSpec> resume;
  std::optional<base::SizeSpec> low;
  std::optional<base::SizeSpec> full_inodes;
  std::optional<base::SizeSpec> resume_inodes;
  std::optional<base::SizeSpec> low_inodes;

  bool operator==(const MarksOverrides&) const = default;
};

// Not validated. An override moves the marks above it that are not overridden themselves.
// `inodes_total` is 0 where the filesystem does not count them.
Marks DeriveMarks(std::int64_t capacity_bytes, std::int64_t inodes_total,
                  const MarksOverrides& overrides = {});

// What the marks have to fit into.
struct MarksFit {
  std::int64_t total_bytes = 0;   // of the volume now, as SpaceReading counts it
  std::int64_t inodes_total = 0;  // 0: not counted
  std::int64_t slots_bytes = 0;   // marker and verdict slots
  std::int64_t partitions = 0;    // each needs room for one step
};

// A volume as it was read, with the slots that every volume has.
MarksFit FitOf(const SpaceReading& reading, std::size_t partitions);

absl::Status ValidateMarks(const Marks& marks, const MarksFit& fit);

}  // namespace tidemark::monitor
