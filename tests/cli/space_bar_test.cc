#include "cli/space_bar.h"

#include "gtest/gtest.h"

namespace tidemark::cli {
namespace {

space::v1::Reading Reading(std::int64_t available, std::int64_t total) {
  space::v1::Reading reading;
  reading.set_available_bytes(available);
  reading.set_total_bytes(total);
  return reading;
}

space::v1::Marks Marks() {
  space::v1::Marks marks;
  marks.set_full_bytes(10);
  marks.set_resume_bytes(20);
  marks.set_low_bytes(40);
  return marks;
}

TEST(SpaceBarTest, DrawsUseAndMarks) {
  EXPECT_EQ(SpaceBar(Reading(80, 100), Marks(), 20), "[####........L...R.F.]");
  EXPECT_EQ(SpaceBar(Reading(5, 100), Marks(), 20), "[############L###R#F.]");
  EXPECT_EQ(SpaceBar(Reading(0, 100), Marks(), 10), "[######L#RF]");
}

TEST(SpaceBarTest, SaysWhenItDoesNotKnow) {
  EXPECT_EQ(SpaceBar(Reading(0, 0), Marks(), 5), "[?????]");
}

TEST(SpaceBarTest, StaysInsideItsBracketsForAbsurdNumbers) {
  EXPECT_EQ(SpaceBar(Reading(500, 100), Marks(), 10).size(), 12U);
  EXPECT_EQ(SpaceBar(Reading(-5, 100), Marks(), 10).size(), 12U);
}

}  // namespace
}  // namespace tidemark::cli
