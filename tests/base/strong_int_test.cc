#include "base/strong_int.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <unordered_set>

#include "base/ids.h"

namespace tidemark::base {
namespace {

static_assert(!std::is_convertible_v<std::int64_t, Offset>, "a plain number is no offset");
static_assert(!std::is_convertible_v<Offset, std::int64_t>);
static_assert(!std::is_constructible_v<Offset, FilePosition>, "an offset is no file position");
static_assert(!std::is_assignable_v<Generation&, Episode>, "an episode is no generation");
static_assert(sizeof(Offset) == sizeof(std::int64_t));
static_assert(std::is_trivially_copyable_v<PartitionId>);

template <typename A, typename B>
concept Comparable = requires(A a, B b) {
  a == b;
};
template <typename A, typename B>
concept Addable = requires(A a, B b) {
  a + b;
};
static_assert(!Comparable<Offset, FilePosition>);
static_assert(!Addable<Offset, Offset>, "the sum of two offsets means nothing");

TEST(StrongInt, StartsAtZero) { EXPECT_EQ(Generation().value(), 0U); }

TEST(StrongInt, AddsPlainNumbersAndKeepsItsType) {
  Offset offset(41);
  EXPECT_EQ(offset + 1, Offset(42));
  EXPECT_EQ(offset - 41, Offset(0));
  EXPECT_EQ((++offset).value(), 42);
  offset += -2;
  EXPECT_EQ(offset, Offset(40));
}

TEST(StrongInt, DifferenceIsAPlainNumber) {
  static_assert(std::is_same_v<decltype(Offset(9) - Offset(4)), std::int64_t>);
  EXPECT_EQ(Offset(9) - Offset(4), 5);
  EXPECT_EQ(Offset(4) - Offset(9), -5);
}

TEST(StrongInt, OrdersLikeItsNumber) {
  EXPECT_LT(Offset(-1), Offset(0));
  EXPECT_GT(Generation(UINT64_MAX), Generation(0));
  EXPECT_NE(Episode(1), Episode(2));
}

TEST(StrongInt, HashesForSetsAndMaps) {
  const std::unordered_set<PartitionId> ids = {PartitionId(1), PartitionId(2), PartitionId(1)};
  EXPECT_EQ(ids.size(), 2U);
}

}  // namespace
}  // namespace tidemark::base
