#include "base/byte_size.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "absl/strings/str_format.h"

namespace tidemark::base {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array<Unit, 10> kByteUnits = {{{"", 1},
                                              {"B", 1},
                                              {"KiB", kKiB},
                                              {"MiB", kMiB},
                                              {"GiB", kGiB},
                                              {"TiB", kTiB},
                                              {"kB", 1'000},
                                              {"MB", 1'000'000},
                                              {"GB", 1'000'000'000},
                                              {"TB", 1'000'000'000'000}}};
constexpr std::array<Unit, 7> kTimeUnits = {{{"ns", 1},
                                             {"us", 1'000},
                                             {"ms", 1'000'000},
                                             {"s", 1'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"d", 86'400'000'000'000}}};

struct Quantity {
  double number = 0;
  std::optional<std::int64_t> whole;  // a double holds only 53 bits of it
  std::string_view unit;
};

// Splits "1.5 GiB" into 1.5 and "GiB". nullopt if there is no number or it is negative.
std::optional<Quantity> Split(std::string_view text) {
  Quantity quantity;
  const char* const limit = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), limit, quantity.number);
  if (error != std::errc() || !std::isfinite(quantity.number) || std::signbit(quantity.number)) {
    return std::nullopt;
  }
  std::int64_t whole = 0;
  const auto [whole_end, whole_error] = std::from_chars(text.data(), limit, whole);
  if (whole_error == std::errc() && whole_end == end) quantity.whole = whole;
  quantity.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!quantity.unit.empty() && quantity.unit.front() == ' ') quantity.unit.remove_prefix(1);
  return quantity;
}

// nullopt if the product does not fit.
std::optional<std::int64_t> Scale(const Quantity& quantity, std::int64_t factor) {
  if (quantity.whole.has_value()) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(*quantity.whole, factor, &product)) return std::nullopt;
    return product;
  }
  const double product = quantity.number * static_cast<double>(factor);
  if (product >= 0x1p63) return std::nullopt;
  return std::llround(product);
}

template <std::size_t N>
absl::StatusOr<std::int64_t> ParseScaled(std::string_view text, const std::array<Unit, N>& units,
                                         std::string_view what) {
  if (const auto quantity = Split(text); quantity.has_value()) {
    for (const Unit& unit : units) {
      if (quantity->unit != unit.name) continue;
      if (const auto scaled = Scale(*quantity, unit.factor)) return *scaled;
    }
  }
  return absl::InvalidArgumentError(absl::StrFormat("'%s' is no %s", text, what));
}

}  // namespace

absl::StatusOr<std::int64_t> ParseByteSize(std::string_view text) {
  return ParseScaled(text, kByteUnits, "size: want a number with B, KiB, MiB, GiB, TiB, kB, MB, …");
}

std::string FormatByteSize(std::int64_t bytes) {
  if (bytes > -kKiB && bytes < kKiB) return absl::StrFormat("%d B", bytes);
  double scaled = 0;
  std::string_view name;
  for (const Unit& unit : {kByteUnits[2], kByteUnits[3], kByteUnits[4], kByteUnits[5]}) {
    scaled = static_cast<double>(bytes) / static_cast<double>(unit.factor);
    name = unit.name;
    if (std::abs(scaled) < 1023.95) break;  // what would print as 1024.0 takes the next unit
  }
  return absl::StrFormat("%.1f %s", scaled, name);
}

absl::StatusOr<Duration> ParseDuration(std::string_view text) {
  auto nanos = ParseScaled(text, kTimeUnits, "duration: want a number with ms, s, m, h or d");
  if (!nanos.ok()) return nanos.status();
  return Duration(*nanos);
}

std::string FormatDuration(Duration duration) {
  // Each unit is chosen after rounding to what it prints: 59.96 s is "1m00s", never "60.0s".
  const double nanos = std::abs(static_cast<double>(duration.count()));
  const auto rounded = [nanos](double unit) { return std::llround(nanos / unit); };
  const char* const sign = duration.count() < 0 && rounded(1e6) > 0 ? "-" : "";
  if (const auto millis = rounded(1e6); millis < 1000)
    return absl::StrFormat("%s%dms", sign, millis);
  if (const auto tenths = rounded(1e8); tenths < 600) {
    return absl::StrFormat("%s%d.%ds", sign, tenths / 10, tenths % 10);
  }
  if (const auto seconds = rounded(1e9); seconds < 3600) {
    return absl::StrFormat("%s%dm%02ds", sign, seconds / 60, seconds % 60);
  }
  if (const auto minutes = rounded(60e9); minutes < 48 * 60) {
    return absl::StrFormat("%s%dh%02dm", sign, minutes / 60, minutes % 60);
  }
  const auto hours = rounded(3600e9);
  return absl::StrFormat("%s%dd%02dh", sign, hours / 24, hours % 24);
}

std::int64_t SizeSpec::Of(std::int64_t whole) const {
  if (kind == Kind::kBytes) return bytes;
  return static_cast<std::int64_t>(static_cast<double>(whole) * percent / 100.0);
}

std::string SizeSpec::ToString() const {
  return kind == Kind::kBytes ? FormatByteSize(bytes) : absl::StrFormat("%g%%", percent);
}

absl::StatusOr<SizeSpec> ParseSizeSpec(std::string_view text) {
  if (const auto quantity = Split(text); quantity.has_value() && quantity->unit == "%") {
    if (quantity->number > 100) {
      return absl::InvalidArgumentError(absl::StrFormat("'%s' is more than 100%%", text));
    }
    return SizeSpec{SizeSpec::Kind::kPercent, quantity->number, 0};
  }
  auto bytes = ParseByteSize(text);
  if (!bytes.ok()) return bytes.status();
  return SizeSpec{SizeSpec::Kind::kBytes, 0, *bytes};
}

}  // namespace tidemark::base
