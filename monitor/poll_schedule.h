// When to look next: the faster a volume fills and the nearer it is to full, the sooner.
//
//   next = clamp(25 ms … 5 s, ¼ × time to full at the fastest fill of the last 60 s)
//
// The fastest burst decides when to look; it would frighten people. They are told the mean of the
// last 60 s.
//
// Lifetime:  value type, holds no references.
// Threading: confined to the owner's loop.
// Errors:    none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "monitor/marks.h"
#include "monitor/space_reading.h"

namespace tidemark::monitor {

class PollSchedule {
 public:
  static constexpr base::Duration kIntervalMin = std::chrono::milliseconds(25);
  static constexpr base::Duration kIntervalMax = std::chrono::seconds(5);

  // Readings in the order they started.
  void OnReading(const SpaceReading& reading, const Marks& marks);

  // From one reading to the next, by what is known now.
  base::Duration interval() const { return interval_; }
  // Mean fill of the last 60 s (while younger, of at least 5 s), bytes per second. 0: it does not
  // fill.
  double fill_bytes_per_second() const { return fill_bytes_per_second_; }
  // At the mean fill, of what runs out first; nullopt where the volume does not fill.
  std::optional<base::Duration> time_to_full() const { return time_to_full_; }

 private:
  static constexpr std::int64_t kWindowSeconds = 60;
  struct Rate {
    double bytes = 0;  // per second
    double inodes = 0;
  };
  // One second of the window, known by its number.
  struct Bucket {
    std::int64_t second = -1;
    Rate fastest;
    SpaceReading first;  // that started in it
  };

  void Remember(const SpaceReading& reading);
  // Of the window that ends with `reading`.
  static bool InWindow(const Bucket& bucket, const SpaceReading& reading);
  Rate FastestFill(const SpaceReading& reading) const;
  Rate MeanFill(const SpaceReading& reading) const;

  std::array<Bucket, kWindowSeconds> buckets_;
  std::optional<SpaceReading> last_;
  base::Duration interval_ = kIntervalMin;
  double fill_bytes_per_second_ = 0;
  std::optional<base::Duration> time_to_full_;
};

}  // namespace tidemark::monitor
