#include "monitor/poll_schedule.h"

#include <algorithm>

namespace tidemark::monitor {
namespace {

std::int64_t SecondOf(base::MonotonicTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.since_start()).count();
}

// Seconds until `left` is used up; a day where it takes longer or does not fill.
double SecondsUntil(std::int64_t left, double per_second) {
  constexpr double kForever = 86400.0 * 365;
  if (left <= 0) return 0;
  if (per_second <= 0) return kForever;
  return std::min(kForever, static_cast<double>(left) / per_second);
}

}  // namespace

void PollSchedule::Remember(std::int64_t second, double bytes_per_second,
                            double inodes_per_second) {
  Bucket& bucket = buckets_[static_cast<std::size_t>(second % kWindowSeconds)];
  if (bucket.second != second) bucket = {second, 0, 0};
  bucket.bytes_per_second = std::max(bucket.bytes_per_second, bytes_per_second);
  bucket.inodes_per_second = std::max(bucket.inodes_per_second, inodes_per_second);
}

void PollSchedule::OnReading(const SpaceReading& reading, const Marks& marks) {
  const std::int64_t second = SecondOf(reading.started);
  if (last_ && reading.started > last_->started) {
    // Two readings in quick succession would call one 8 MiB step 8 GB/s.
    const base::Duration apart = std::max(reading.started - last_->started, kIntervalMin);
    const double seconds = std::chrono::duration<double>(apart).count();
    Remember(second,
             static_cast<double>(last_->available_bytes - reading.available_bytes) / seconds,
             static_cast<double>(last_->inodes_available - reading.inodes_available) / seconds);
  }
  last_ = reading;

  fill_bytes_per_second_ = 0;
  double inodes_per_second = 0;
  for (const Bucket& bucket : buckets_) {
    if (bucket.second < 0 || bucket.second <= second - kWindowSeconds) continue;
    fill_bytes_per_second_ = std::max(fill_bytes_per_second_, bucket.bytes_per_second);
    inodes_per_second = std::max(inodes_per_second, bucket.inodes_per_second);
  }
  double seconds = SecondsUntil(reading.available_bytes - marks.full_bytes, fill_bytes_per_second_);
  if (reading.counts_inodes) {
    seconds = std::min(
        seconds, SecondsUntil(reading.inodes_available - marks.full_inodes, inodes_per_second));
  }
  const auto until_full =
      std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(seconds));
  const bool fills = fill_bytes_per_second_ > 0 || inodes_per_second > 0 || seconds <= 0;
  time_to_full_ = fills ? std::optional(until_full) : std::nullopt;
  interval_ = std::clamp(until_full / 4, kIntervalMin, kIntervalMax);
}

}  // namespace tidemark::monitor
