#include "spu/assignment_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/spu/book_rig.h"

namespace tidemark::spu {
namespace {

namespace sc_pb = tidemark::sc::v1;
using support::FaultRule;
using support::Operation;
using testing::ElementsAre;

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
  sc_pb::AssignmentResult Assign(std::size_t volume) {
    rig_.Send({BookRig::Full({rig_.Assignment(kBooked, volume)})});
    return rig_.AwaitResult(kBooked);
  }

  BookRig rig_;
};

// Between the two the controller showed it Online, and empty.
TEST_F(AssignmentBookTest, WhatIsLostIsToldBeforeTheAssignmentIsAcknowledged) {
  OpenBoth();
  sc_pb::Assignment assignment = rig_.Assignment(kBooked, 0);
  assignment.set_taken_before(true);
  rig_.Send({BookRig::Full({assignment})});
  ASSERT_TRUE(rig_.AwaitResult(kBooked).ok());
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
  const sc_pb::AssignmentResult result = Assign(1);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.refusal(), sc_pb::ASSIGNMENT_REFUSAL_VOLUME_CHANGED) << result.detail();
}

// The controller sends its list again after a second, and with each topic. A second one opened
// beside the first would write over what the first has acknowledged.
TEST_F(AssignmentBookTest, AListThatComesAgainDoesNotOpenAPartitionTwice) {
  OpenBoth();
  rig_.disk(0).Add({.operation = Operation::kList, .path_contains = "partitions/0", .hang = true});
  const sc_pb::Assignments list = BookRig::Full({rig_.Assignment(kBooked, 0)});
  rig_.Send({list});
  ASSERT_TRUE(support::WaitFor([&] { return rig_.disk(0).hanging() == 1; }, support::kLongWait,
                               "the partition that was made to be opened"));
  rig_.Send({list});
  const sc_pb::AssignmentResult again = rig_.AwaitResult(kBooked);
  EXPECT_EQ(again.refusal(), sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD) << again.detail();
  EXPECT_EQ(rig_.disk(0).hanging(), 1u);

  rig_.disk(0).Clear();
  ASSERT_TRUE(rig_.AwaitOk(kBooked));
  rig_.Fill(kBooked, 2);
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

// What is there is taken on at once; whether the other is lost, only both volumes together know.
TEST_F(AssignmentBookTest, AVolumeThatIsStillStartingKeepsNothingOfAnotherFromBeingTaken) {
  constexpr std::uint64_t kMissing = 8;
  OpenBoth();
  ASSERT_TRUE(Assign(0).ok());
  rig_.Kill();
  rig_.options().start_deadline = support::kLongWait;
  rig_.disk(1).Add({.operation = Operation::kStatFileSystem,
                    .when = FaultRule::When::kFrom,
                    .nth = 2,
                    .hang = true});
  ASSERT_OK(rig_.Open());
  ASSERT_TRUE(rig_.AwaitAccepting(0));
  sc_pb::Assignment missing = rig_.Assignment(kMissing, 0);
  missing.set_taken_before(true);
  const std::size_t before = rig_.Told().size();
  rig_.Send({BookRig::Full({rig_.Assignment(kBooked, 0), missing})});
  const auto told = [&] {
    const std::vector<std::string> all = rig_.Told();
    return std::vector(all.begin() + static_cast<std::ptrdiff_t>(before), all.end());
  };
  ASSERT_TRUE(support::WaitFor([&] { return !told().empty(); }, support::kLongWait,
                               "the partition that is there to be taken"));
  EXPECT_THAT(told(), ElementsAre("ack 7"));
  EXPECT_EQ(rig_.AnsweredVersion(), 0u) << "the controller must go on asking";
  rig_.disk(1).Clear();
  ASSERT_TRUE(rig_.AwaitOk(kMissing));
  EXPECT_EQ(rig_.AnsweredVersion(), 1u);
  const std::vector<std::string> all = told();
  EXPECT_LT(std::ranges::find(all, "lost 8"), std::ranges::find(all, "ack 8"));
}

TEST_F(AssignmentBookTest, APartitionStaysWhereItsDataIs) {
  OpenBoth();
  ASSERT_TRUE(Assign(0).ok());
  const sc_pb::AssignmentResult result = Assign(1);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.refusal(), sc_pb::ASSIGNMENT_REFUSAL_VOLUME_CHANGED) << result.detail();
}

TEST_F(AssignmentBookTest, AVolumeThatIsNotHereIsNamedAsThat) {
  OpenBoth();
  sc_pb::Assignment elsewhere = rig_.Assignment(kBooked, 0);
  elsewhere.set_volume(base::Uuid::Random().ToBytes());
  rig_.Send({BookRig::Full({elsewhere, rig_.Assignment(8, 0)})});
  EXPECT_EQ(rig_.AwaitResult(kBooked).refusal(), sc_pb::ASSIGNMENT_REFUSAL_UNKNOWN_VOLUME);
  EXPECT_TRUE(rig_.AwaitResult(8).ok()) << "a bad one never drops the rest";
}

TEST_F(AssignmentBookTest, WhatAFullListDoesNotNameIsKeptAndNotWritten) {
  OpenBoth();
  ASSERT_TRUE(Assign(0).ok());
  rig_.Fill(kBooked, 1);
  rig_.Send({BookRig::Full({})});
  EXPECT_EQ(rig_.Append(kBooked, {}).refusal.value_or(Refusal()).reason(),
            tidemark::log::v1::REFUSAL_REASON_UNKNOWN_PARTITION);
  // A list that is not full says nothing of the others.
  ASSERT_TRUE(Assign(0).ok());
  rig_.Send({sc_pb::Assignments()});
  const AppendResult again = rig_.Append(kBooked, {});
  EXPECT_FALSE(again.refusal.has_value());
  EXPECT_EQ(again.base_offset, base::Offset(64)) << "what was there is kept";
}

TEST_F(AssignmentBookTest, WhatAHeldVolumeRefusedIsTakenWhenItOpens) {
  OpenBoth();
  const auto apply = [&](const monitor::SpaceEvent& event) {
    rig_.Of<bool>(0, [&](Volume& volume) { return volume.Apply(event), true; });
  };
  apply(monitor::event::OperatorHolds{"anna", "maintenance"});
  const sc_pb::AssignmentResult refused = Assign(0);
  EXPECT_EQ(refused.refusal(), sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD) << refused.detail();
  apply(monitor::event::OperatorReleases{"anna"});
  EXPECT_TRUE(rig_.AwaitOk(kBooked));
}

// A partition of a volume that could not be opened may be on it.
TEST_F(AssignmentBookTest, NoTombstoneIsDoneWhileAConfiguredVolumeIsMissing) {
  rig_.set_volumes_complete(false);
  OpenBoth();
  rig_.Send({BookRig::Tombstone(kBooked)});
  EXPECT_EQ(rig_.AwaitResult(kBooked).refusal(), sc_pb::ASSIGNMENT_REFUSAL_UNKNOWN_VOLUME);
}

}  // namespace
}  // namespace tidemark::spu
