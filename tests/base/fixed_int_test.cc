#include "base/fixed_int.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace tidemark::base {
namespace {

TEST(FixedInt, StoresTheLeastByteFirst) {
  std::array<std::byte, 8> bytes{};
  StoreLittleEndian<std::uint64_t>(0x0123456789ABCDEF, bytes.data());
  EXPECT_EQ(bytes,
            (std::array{std::byte{0xEF}, std::byte{0xCD}, std::byte{0xAB}, std::byte{0x89},
                        std::byte{0x67}, std::byte{0x45}, std::byte{0x23}, std::byte{0x01}}));
}

template <typename T>
class FixedIntOf : public testing::Test {};
using Widths = testing::Types<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(FixedIntOf, Widths);

TYPED_TEST(FixedIntOf, LoadsWhatItStoredAtAnyAlignmentAndTouchesNothingElse) {
  constexpr auto kMax = std::numeric_limits<TypeParam>::max();
  constexpr auto kTop = static_cast<TypeParam>(kMax / 2 + 1);
  for (const TypeParam value :
       {TypeParam{0}, TypeParam{1}, kTop, static_cast<TypeParam>(kMax - 1), kMax}) {
    for (std::size_t start = 1; start < 4; ++start) {
      std::array<std::byte, 16> bytes;
      bytes.fill(std::byte{0xA5});
      StoreLittleEndian(value, bytes.data() + start);
      EXPECT_EQ(LoadLittleEndian<TypeParam>(bytes.data() + start), value);
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i < start || i >= start + sizeof(TypeParam)) {
          EXPECT_EQ(bytes[i], std::byte{0xA5}) << i;
        }
      }
    }
  }
}

TEST(FixedInt, WorksAtCompileTime) {
  constexpr auto kStored = [] {
    std::array<std::byte, 4> bytes{};
    StoreLittleEndian<std::uint32_t>(0xFEEDBEEF, bytes.data());
    return bytes;
  }();
  static_assert(LoadLittleEndian<std::uint32_t>(kStored.data()) == 0xFEEDBEEF);
}

}  // namespace
}  // namespace tidemark::base
