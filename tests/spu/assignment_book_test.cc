#include "spu/assignment_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/spu/book_rig.h"

namespace tidemark::spu {
namespace {

namespace pb = tidemark::sc::v1;
using support::FaultRule;
using support::Operation;
using testing::ElementsAre;

constexpr std::uint64_t kPartition = 7;

class AssignmentBookTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
  }
  void OpenBoth() {
    ASSERT_OK(rig_.Open());
    ASSERT_TRUE(rig_.AwaitAccepting(0));
    ASSERT_TRUE(rig_.AwaitAccepting(1));
  }
  pb::AssignmentResult Assign(std::size_t volume) {
    rig_.Send({BookRig::Full({rig_.Assignment(kPartition, volume)})});
    return rig_.AwaitResult(kPartition);
  }

  BookRig rig_;
};

// Between the two the controller showed it Online, and empty.
TEST_F(AssignmentBookTest, WhatIsLostIsToldBeforeTheAssignmentIsAcknowledged) {
  OpenBoth();
  pb::Assignment assignment = rig_.Assignment(kPartition, 0);
  assignment.set_taken_before(true);
  rig_.Send({BookRig::Full({assignment})});
  ASSERT_TRUE(rig_.AwaitResult(kPartition).ok());
  const std::vector<std::string> told = rig_.Told();
  ASSERT_GE(told.size(), 2u);
  EXPECT_THAT(std::vector(told.begin(), told.begin() + 2), ElementsAre("lost 7", "ack 7"));
}

TEST_F(AssignmentBookTest, APartitionThatCouldNotBeOpenedIsNotMadeAnewElsewhere) {
  OpenBoth();
  ASSERT_TRUE(Assign(0).ok());
  rig_.Kill();
  rig_.disk(0).Add(
      {.operation = Operation::kOpen, .path_contains = "/partitions/", .error_number = EIO});
  ASSERT_OK(rig_.Open());
  ASSERT_TRUE(rig_.AwaitAccepting(1));
  const pb::AssignmentResult result = Assign(1);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.refusal(), pb::ASSIGNMENT_REFUSAL_VOLUME_CHANGED) << result.detail();
}

TEST_F(AssignmentBookTest, AVolumeThatDoesNotAnswerHoldsUpNoOther) {
  rig_.options().start_deadline = std::chrono::milliseconds(50);
  // The first is asked by whoever opens the volume, the second by its first look.
  rig_.disk(1).Add({.operation = Operation::kStatFileSystem,
                    .when = FaultRule::When::kFrom,
                    .nth = 2,
                    .hang = true});
  ASSERT_OK(rig_.Open());
  ASSERT_TRUE(rig_.AwaitAccepting(0));
  EXPECT_TRUE(Assign(0).ok());
  EXPECT_NE(rig_.Of<std::string>(1, [](Volume& volume) { return volume.start_fault(); }), "");
}

}  // namespace
}  // namespace tidemark::spu
