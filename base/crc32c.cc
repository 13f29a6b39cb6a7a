#include "base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <limits>

namespace tidemark::base {

std::uint32_t ExtendCrc32c(std::uint32_t crc, std::span<const std::byte> data) {
  // ISA-L takes an int length and a non-const pointer it does not write through.
  auto* bytes = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(data.data()));
  std::uint32_t state = ~crc;
  std::size_t left = data.size();
  while (left > 0) {
    const auto chunk = std::min<std::size_t>(left, std::numeric_limits<int>::max());
    state = crc32_iscsi(bytes, static_cast<int>(chunk), state);
    bytes += chunk;
    left -= chunk;
  }
  return ~state;
}

}  // namespace tidemark::base
