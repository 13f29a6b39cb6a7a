#include "monitor/poll_schedule.h"

#include <algorithm>

namespace tidemark::monitor {
namespace {

std::int64_t SecondOf(base::MonotonicTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.since_start()).count();
}

// Seconds until `left` is used up; a year where it takes longer or does not fill.
double SecondsUntil(std::int64_t left, double per_second) {
  constexpr double kForever = 86400.0 * 365;
  if (left <= 0) return 0;
  if (per_second <= 0) return kForever;
  return std::min(kForever, static_cast<double>(left) / per_second);
}

// Until bytes or inodes reach their full mark.
base::Duration TimeToFull(const SpaceReading& reading, const Marks& marks, double bytes_per_second,
                          double inodes_per_second) {
  double seconds = SecondsUntil(reading.available_bytes - marks.full_bytes, bytes_per_second);
  if (reading.counts_inodes) {
    seconds = std::min(
        seconds, SecondsUntil(reading.inodes_available - marks.full_inodes, inodes_per_second));
  }
  return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

void PollSchedule::Remember(const SpaceReading& reading) {
  const std::int64_t second = SecondOf(reading.started);
  Bucket& bucket = buckets_[static_cast<std::size_t>(second % kWindowSeconds)];
  if (bucket.second != second) bucket = {second, {}, reading};
  if (!last_ || reading.started <= last_->started) return;
  // Two readings in quick succession would call one 8 MiB step 8 GB/s.
  const base::Duration apart = std::max(reading.started - last_->started, kIntervalMin);
  const double seconds = std::chrono::duration<double>(apart).count();
  const auto rate = [&](std::int64_t before, std::int64_t now) {
    return static_cast<double>(before - now) / seconds;
  };
  bucket.fastest.bytes =
      std::max(bucket.fastest.bytes, rate(last_->available_bytes, reading.available_bytes));
  bucket.fastest.inodes =
      std::max(bucket.fastest.inodes, rate(last_->inodes_available, reading.inodes_available));
}

bool PollSchedule::InWindow(const Bucket& bucket, const SpaceReading& reading) {
  return bucket.second >= 0 && bucket.second > SecondOf(reading.started) - kWindowSeconds;
}

PollSchedule::Rate PollSchedule::FastestFill(const SpaceReading& reading) const {
  Rate fastest;
  for (const Bucket& bucket : buckets_) {
    if (!InWindow(bucket, reading)) continue;
    fastest.bytes = std::max(fastest.bytes, bucket.fastest.bytes);
    fastest.inodes = std::max(fastest.inodes, bucket.fastest.inodes);
  }
  return fastest;
}

PollSchedule::Rate PollSchedule::MeanFill(const SpaceReading& reading) const {
  const SpaceReading* oldest = &reading;
  for (const Bucket& bucket : buckets_) {
    if (InWindow(bucket, reading) && bucket.first.started < oldest->started) oldest = &bucket.first;
  }
  const base::Duration apart = std::max(reading.started - oldest->started, kIntervalMax);
  const double seconds = std::chrono::duration<double>(apart).count();
  const auto rate = [&](std::int64_t before, std::int64_t now) {
    return static_cast<double>(std::max<std::int64_t>(before - now, 0)) / seconds;
  };
  return {rate(oldest->available_bytes, reading.available_bytes),
          rate(oldest->inodes_available, reading.inodes_available)};
}

void PollSchedule::OnReading(const SpaceReading& reading, const Marks& marks) {
  Remember(reading);
  last_ = reading;

  const Rate fastest = FastestFill(reading);
  interval_ = std::clamp(TimeToFull(reading, marks, fastest.bytes, fastest.inodes) / 4,
                         kIntervalMin, kIntervalMax);

  const Rate mean = MeanFill(reading);
  fill_bytes_per_second_ = mean.bytes;
  const base::Duration until_full = TimeToFull(reading, marks, mean.bytes, mean.inodes);
  const bool fills = mean.bytes > 0 || mean.inodes > 0 || until_full == base::Duration(0);
  time_to_full_ = fills ? std::optional(until_full) : std::nullopt;
}

}  // namespace tidemark::monitor
