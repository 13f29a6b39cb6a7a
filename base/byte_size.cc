#include "base/byte_size.h"

#include <array>
#include <charconv>
#include <cmath>

#include "absl/strings/str_format.h"

namespace tidemark::base {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 10> kByteUnits = {{{"", 1},
                                              {"B", 1},
                                              {"KiB", 0x1p10},
                                              {"MiB", 0x1p20},
                                              {"GiB", 0x1p30},
                                              {"TiB", 0x1p40},
                                              {"kB", 1e3},
                                              {"MB", 1e6},
                                              {"GB", 1e9},
                                              {"TB", 1e12}}};
constexpr std::array<Unit, 7> kTimeUnits = {
    {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}}};

// Splits "1.5 GiB" into 1.5 and "GiB". False if there is no number or it is negative.
bool SplitNumber(std::string_view text, double& number, std::string_view& unit) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number) || std::signbit(number)) return false;
  unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  return true;
}

template <std::size_t N>
absl::StatusOr<std::int64_t> ParseScaled(std::string_view text, const std::array<Unit, N>& units,
                                         std::string_view what) {
  double number = 0;
  std::string_view unit;
  if (SplitNumber(text, number, unit)) {
    for (const Unit& candidate : units) {
      if (unit != candidate.name) continue;
      const double scaled = number * candidate.factor;
      if (scaled >= 0x1p63) break;
      return static_cast<std::int64_t>(std::llround(scaled));
    }
  }
  return absl::InvalidArgumentError(absl::StrFormat("'%s' is no %s", text, what));
}

}  // namespace

absl::StatusOr<std::int64_t> ParseByteSize(std::string_view text) {
  return ParseScaled(text, kByteUnits, "size: want a number with B, KiB, MiB, GiB, TiB, kB, MB, …");
}

std::string FormatByteSize(std::int64_t bytes) {
  const double magnitude = std::abs(static_cast<double>(bytes));
  for (const Unit& unit : {kByteUnits[5], kByteUnits[4], kByteUnits[3], kByteUnits[2]}) {
    if (magnitude >= unit.factor) {
      return absl::StrFormat("%.1f %s", static_cast<double>(bytes) / unit.factor, unit.name);
    }
  }
  return absl::StrFormat("%d B", bytes);
}

absl::StatusOr<Duration> ParseDuration(std::string_view text) {
  auto nanos = ParseScaled(text, kTimeUnits, "duration: want a number with ms, s, m, h or d");
  if (!nanos.ok()) return nanos.status();
  return Duration(*nanos);
}

std::string FormatDuration(Duration duration) {
  const double seconds = static_cast<double>(duration.count()) / 1e9;
  if (std::abs(seconds) < 1) return absl::StrFormat("%.0fms", seconds * 1e3);
  if (std::abs(seconds) < 60) return absl::StrFormat("%.1fs", seconds);
  const auto minutes = static_cast<std::int64_t>(seconds / 60);
  if (minutes < 60)
    return absl::StrFormat("%dm%02.0fs", minutes, seconds - 60.0 * static_cast<double>(minutes));
  if (minutes < 48 * 60) return absl::StrFormat("%dh%02dm", minutes / 60, minutes % 60);
  return absl::StrFormat("%dd%02dh", minutes / (24 * 60), minutes / 60 % 24);
}

std::int64_t SizeSpec::Of(std::int64_t whole) const {
  if (kind == Kind::kBytes) return bytes;
  return static_cast<std::int64_t>(static_cast<double>(whole) * percent / 100.0);
}

std::string SizeSpec::ToString() const {
  return kind == Kind::kBytes ? FormatByteSize(bytes) : absl::StrFormat("%g%%", percent);
}

absl::StatusOr<SizeSpec> ParseSizeSpec(std::string_view text) {
  double number = 0;
  std::string_view unit;
  if (SplitNumber(text, number, unit) && unit == "%") {
    if (number > 100) {
      return absl::InvalidArgumentError(absl::StrFormat("'%s' is more than 100%%", text));
    }
    return SizeSpec{SizeSpec::Kind::kPercent, number, 0};
  }
  auto bytes = ParseByteSize(text);
  if (!bytes.ok()) return bytes.status();
  return SizeSpec{SizeSpec::Kind::kBytes, 0, *bytes};
}

}  // namespace tidemark::base
