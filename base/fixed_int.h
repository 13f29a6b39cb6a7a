// Little-endian integers in byte buffers, whatever the host is.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace tidemark::base {

template <std::unsigned_integral T>
constexpr void StoreLittleEndian(T value, std::byte* out) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out[i] = static_cast<std::byte>((value >> (8 * i)) & 0xFF);
  }
}

template <std::unsigned_integral T>
constexpr T LoadLittleEndian(const std::byte* in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value =
        static_cast<T>(value | (static_cast<T>(std::to_integer<std::uint8_t>(in[i])) << (8 * i)));
  }
  return value;
}

}  // namespace tidemark::base
