// When to look next: the faster a volume fills and the nearer it is to full, the sooner.
//
//   next = clamp(25 ms … 5 s, ¼ × time to full at the fastest fill of the last 60 s)
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
  // Fastest fill seen in the last 60 s by the newest reading, bytes per second. 0: it does not
  // fill.
  double fill_bytes_per_second() const { return fill_bytes_per_second_; }
  // At that rate; nullopt where the volume does not fill.
  std::optional<base::Duration> time_to_full() const { return time_to_full_; }

 private:
  static constexpr std::int64_t kWindowSeconds = 60;
  // Fastest fill within one second of the window; a second is known by its number.
  struct Bucket {
    std::int64_t second = -1;
    double bytes_per_second = 0;
    double inodes_per_second = 0;
  };

  void Remember(std::int64_t second, double bytes_per_second, double inodes_per_second);

  std::array<Bucket, kWindowSeconds> buckets_;
  std::optional<SpaceReading> last_;
  base::Duration interval_ = kIntervalMin;
  double fill_bytes_per_second_ = 0;
  std::optional<base::Duration> time_to_full_;
};

}  // namespace tidemark::monitor
