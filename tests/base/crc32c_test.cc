#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string_view>
#include <vector>

namespace tidemark::base {
namespace {

std::vector<std::byte> Bytes(std::string_view text) {
  std::vector<std::byte> bytes;
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

std::vector<std::byte> Counting(int first, int step) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 32; ++i) bytes.push_back(static_cast<std::byte>(first + i * step));
  return bytes;
}

// RFC 3720 §B.4.
constexpr unsigned char kIscsiReadCommand[48] = {
    0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18,
    0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

TEST(Crc32c, GivesTheVectorsOfRfc3720) {
  EXPECT_EQ(Crc32c(std::vector<std::byte>(32, std::byte{0x00})), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(std::vector<std::byte>(32, std::byte{0xFF})), 0x62A8AB43U);
  EXPECT_EQ(Crc32c(Counting(0, 1)), 0x46DD794EU);
  EXPECT_EQ(Crc32c(Counting(31, -1)), 0x113FDB5CU);
  EXPECT_EQ(Crc32c(std::as_bytes(std::span(kIscsiReadCommand))), 0xD9963A56U);
  EXPECT_EQ(Crc32c(Bytes("123456789")), 0xE3069283U);
}

TEST(Crc32c, OfNothingIsZeroAndExtendsNothing) {
  EXPECT_EQ(Crc32c({}), 0U);
  EXPECT_EQ(ExtendCrc32c(0xE3069283U, {}), 0xE3069283U);
}

TEST(Crc32c, IsTheSameInAnyPieces) {
  std::vector<std::byte> bytes(1000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  const std::span<const std::byte> all = bytes;
  const std::uint32_t whole = Crc32c(all);
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    ASSERT_EQ(ExtendCrc32c(Crc32c(all.first(cut)), all.subspan(cut)), whole) << "cut at " << cut;
  }
}

TEST(Crc32c, SeesEverySingleFlippedBit) {
  std::vector<std::byte> bytes = Counting(0, 1);
  const std::uint32_t whole = Crc32c(bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto mask = static_cast<std::byte>(1U << (bit % 8));
    bytes[bit / 8] ^= mask;
    ASSERT_NE(Crc32c(bytes), whole) << "bit " << bit;
    bytes[bit / 8] ^= mask;
  }
}

}  // namespace
}  // namespace tidemark::base
