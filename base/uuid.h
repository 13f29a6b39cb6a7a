// 128-bit random identity of a volume, an SPU or a cluster.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tidemark::base {

class Uuid {
 public:
  constexpr Uuid() = default;  // nil
  constexpr explicit Uuid(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}

  // Version 4 from getrandom(2).
  static Uuid Random();
  // 8-4-4-4-12 hex digits, either case. kInvalidArgument otherwise.
  static absl::StatusOr<Uuid> Parse(std::string_view text);
  // The 16 bytes as messages and records carry them. Nothing unless there are exactly 16.
  static std::optional<Uuid> FromBytes(std::string_view bytes);
  std::string ToBytes() const;

  bool nil() const { return *this == Uuid(); }
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  std::string ToString() const;  // lower case, with dashes

  constexpr auto operator<=>(const Uuid&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace tidemark::base
