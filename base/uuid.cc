#include "base/uuid.h"

#include <sys/random.h>

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/check.h"

namespace tidemark::base {
namespace {

constexpr bool IsDashPosition(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Uuid Uuid::Random() {
  std::array<std::uint8_t, 16> bytes{};
  TM_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  return Uuid(bytes);
}

absl::StatusOr<Uuid> Uuid::Parse(std::string_view text) {
  const auto bad = [text] {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s' is no UUID: want 8-4-4-4-12 hex digits", text));
  };
  if (text.size() != 36) return bad();
  std::array<std::uint8_t, 16> bytes{};
  std::size_t nibbles = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (IsDashPosition(i)) {
      if (text[i] != '-') return bad();
      continue;
    }
    const int digit = HexDigit(text[i]);
    if (digit < 0) return bad();
    auto& byte = bytes[nibbles / 2];
    byte = static_cast<std::uint8_t>((byte << 4) | digit);
    ++nibbles;
  }
  return Uuid(bytes);
}

std::optional<Uuid> Uuid::FromBytes(std::string_view bytes) {
  Uuid uuid;
  if (bytes.size() != uuid.bytes_.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), uuid.bytes_.begin());
  return uuid;
}

std::string Uuid::ToBytes() const { return std::string(bytes_.begin(), bytes_.end()); }

std::string Uuid::ToString() const {
  std::string text;
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += absl::StrFormat("%02x", bytes_[i]);
  }
  return text;
}

}  // namespace tidemark::base
