// Byte sizes and durations as people write and read them: "5GiB", "10%", "30s".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/clock.h"

namespace tidemark::base {

inline constexpr std::int64_t kKiB = 1024;
inline constexpr std::int64_t kMiB = 1024 * kKiB;
inline constexpr std::int64_t kGiB = 1024 * kMiB;
inline constexpr std::int64_t kTiB = 1024 * kGiB;

// "4096", "64KiB", "1.5 GiB", "10MB" (MB is 10^6). kInvalidArgument with the text otherwise.
absl::StatusOr<std::int64_t> ParseByteSize(std::string_view text);
// "412.3 MiB"; exact below 1 KiB.
std::string FormatByteSize(std::int64_t bytes);

// "250ms", "30s", "5m", "2h", "7d".
absl::StatusOr<Duration> ParseDuration(std::string_view text);
std::string FormatDuration(Duration duration);  // "2.5s", "3h12m"

// A size given either way: "5%" of something, or bytes.
struct SizeSpec {
  enum class Kind : std::uint8_t { kBytes, kPercent };
  Kind kind = Kind::kBytes;
  double percent = 0;
  std::int64_t bytes = 0;

  std::int64_t Of(std::int64_t whole) const;
  std::string ToString() const;
  bool operator==(const SizeSpec&) const = default;
};
absl::StatusOr<SizeSpec> ParseSizeSpec(std::string_view text);

}  // namespace tidemark::base
