#include "storage/codec/buffer.h"

#include "gtest/gtest.h"
#include "storage/codec/varint.h"

namespace tidemark::storage {
namespace {

TEST(BufferTest, ASliceKeepsTheOwnerAlive) {
  auto owner = std::make_shared<const std::string>("0123456789");
  const std::weak_ptr<const std::string> watch = owner;
  Buffer slice;
  {
    const auto bytes = std::as_bytes(std::span<const char>(*owner));
    const Buffer whole(std::move(owner), bytes);
    slice = whole.Slice(3, 4);
  }
  ASSERT_FALSE(watch.expired());
  EXPECT_EQ(slice.size(), 4U);
  EXPECT_EQ(slice.bytes()[0], std::byte{'3'});
  slice = Buffer();
  EXPECT_TRUE(watch.expired());
}

TEST(VarintTest, ValuesComeBack) {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{16383},
        std::uint64_t{1} << 35, ~std::uint64_t{0}}) {
    std::vector<std::byte> bytes;
    AppendVarint(value, bytes);
    std::size_t position = 0;
    EXPECT_EQ(ReadVarint(bytes, position), value);
    EXPECT_EQ(position, bytes.size());
    position = 0;
    EXPECT_EQ(ReadVarint(std::span(bytes).first(bytes.size() - 1), position), std::nullopt);
  }
}

TEST(VarintTest, MoreThanSixtyFourBitsAreRefused) {
  const std::vector<std::byte> endless(12, std::byte{0xFF});
  std::size_t position = 0;
  EXPECT_EQ(ReadVarint(endless, position), std::nullopt);
  std::vector<std::byte> sixty_five(9, std::byte{0x80});
  sixty_five.push_back(std::byte{2});
  position = 0;
  EXPECT_EQ(ReadVarint(sixty_five, position), std::nullopt);
}

TEST(VarintTest, ZigZagKeepsSmallNumbersSmall) {
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1},
                                   std::int64_t{-64}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(UnZigZag(ZigZag(value)), value);
  }
  EXPECT_EQ(ZigZag(-64), 127U);
}

}  // namespace
}  // namespace tidemark::storage
