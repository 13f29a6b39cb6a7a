#include "storage/segment/segment_name.h"

#include <limits>

#include "gtest/gtest.h"

namespace tidemark::storage {
namespace {

TEST(SegmentNameTest, NamesSortByOffset) {
  EXPECT_EQ(SegmentFileName(base::Offset(0)), "00000000000000000000.log");
  EXPECT_EQ(SegmentFileName(base::Offset(4711)), "00000000000000004711.log");
  EXPECT_EQ(IndexFileName(base::Offset(4711)), "00000000000000004711.index");
  EXPECT_LT(SegmentFileName(base::Offset(999)), SegmentFileName(base::Offset(1000)));
}

TEST(SegmentNameTest, WhatIsMadeIsUnderstood) {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{1}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(ParseSegmentFileName(SegmentFileName(base::Offset(value))), base::Offset(value));
    EXPECT_EQ(ParseIndexFileName(IndexFileName(base::Offset(value))), base::Offset(value));
  }
}

TEST(SegmentNameTest, AnythingElseIsAStranger) {
  for (const char* name :
       {"", "state", "4711.log", "0000000000000004711.log", "000000000000000004711.log",
        "0000000000000000471x.log", "-0000000000000004711.log", "00000000000000004711.LOG",
        "00000000000000004711.log ", "00000000000000004711.index", "99999999999999999999.log",
        "00000000000000004711.log.tmp", "00000000000000004711"}) {
    EXPECT_EQ(ParseSegmentFileName(name), std::nullopt) << name;
  }
  EXPECT_EQ(ParseIndexFileName("00000000000000004711.log"), std::nullopt);
}

}  // namespace
}  // namespace tidemark::storage
