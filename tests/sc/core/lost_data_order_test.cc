// The SPU says that records are lost, and only then that it has the partition: nobody may see the
// second without the first.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/sc/core/link_simulator.h"
#include "tests/support/report_builder.h"

namespace tidemark::sc {
namespace {

class LostDataOrderTest : public testing::Test {
 protected:
  LostDataOrderTest() { Attach(); }

  const std::optional<Session>& session() { return simulator_.core().spus().at("spu-a").session; }
  // Until the controller has a live session that is newer than `than`; its SPU hears nothing.
  void Attach(base::SessionId than = {}) {
    while (!simulator_.core().spus().contains("spu-a") || !session() || !session()->live ||
           session()->id == than) {
      simulator_.Advance(std::chrono::milliseconds(50));
      simulator_.Tick();
      simulator_.DeliverToController();
      simulator_.Commit();
    }
  }
  void Say(v1::AttachRequest message) {
    simulator_.Inject(message, false);
    while (simulator_.DeliverToController()) {
    }
  }
  void CommitAll() {
    while (simulator_.Commit()) {
    }
  }
  v1::AttachRequest Whole() {
    v1::AttachRequest message;
    *message.mutable_report() = test_support::ReadyReport(simulator_.volume(0), 1);
    message.mutable_report()->set_session(session()->id.value());
    return message;
  }
  v1::AttachRequest Lost() {
    v1::AttachRequest message = Whole();
    message.mutable_report()->set_sequence(2);
    v1::LostData* hold = message.mutable_report()->add_lost_data();
    hold->set_partition_id(1);
    hold->set_generation(1);
    hold->set_held(true);
    return message;
  }
  v1::AttachRequest Ack() {
    v1::AttachRequest message;
    message.mutable_assignments_ack()->set_session(session()->id.value());
    message.mutable_assignments_ack()->set_version(1);
    v1::AssignmentResult* result = message.mutable_assignments_ack()->add_results();
    result->set_partition_id(1);
    result->set_spec_version(1);
    result->set_ok(true);
    return message;
  }
  v1::AttachRequest Refusal() {
    v1::AttachRequest message = Ack();
    v1::AssignmentResult* result = message.mutable_assignments_ack()->mutable_results(0);
    result->set_ok(false);
    result->set_refusal(v1::ASSIGNMENT_REFUSAL_NO_ROOM);
    result->set_detail("no room");
    return message;
  }
  // Online once, and then attached anew.
  void AttachAgain() {
    Say(Whole());
    CommitAll();
    Say(Ack());
    CommitAll();
    ASSERT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
    simulator_.CutStream();
    Attach(session() ? session()->id : base::SessionId());
    simulator_.ForgetShown();
  }

  LinkSimulator simulator_{1};
};

TEST_F(LostDataOrderTest, AnAcknowledgementDoesNotOvertakeTheReportBeforeIt) {
  Say(Whole());  // is with the store
  Say(Lost());   // waits behind it
  Say(Ack());
  simulator_.ForgetShown();
  CommitAll();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_ONLINE));
  EXPECT_EQ(session()->assignments_acked, 1u);
}

// The agent was down, and the directory went: its volume is whole and says so before anybody has
// looked for the partition.
TEST_F(LostDataOrderTest, WhatWasTakenInAnEarlierSessionIsNotOnlineBeforeItIsTakenInThisOne) {
  AttachAgain();
  Say(Whole());
  CommitAll();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_LEADER_OFFLINE);
  EXPECT_THAT(simulator_.Verdict(0).reason, testing::HasSubstr("has not said yet"));
  EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_ONLINE));
  // It says nothing new to the store, and counts at once.
  Say(Ack());
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

// Whatever is in the store already: the last word counts.
TEST_F(LostDataOrderTest, AnAnswerDoesNotOvertakeTheOneBeforeIt) {
  Say(Whole());
  CommitAll();
  Say(Ack());
  CommitAll();
  ASSERT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
  Say(Refusal());
  Say(Ack());  // changes no row that is published
  CommitAll();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
  Say(Refusal());
  CommitAll();
  ASSERT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OFFLINE);
  Say(Ack());
  Say(Refusal());
  CommitAll();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OFFLINE);
}

TEST_F(LostDataOrderTest, AnswersThatWereDroppedAreAskedForAgain) {
  Say(Whole());
  CommitAll();
  Say(Refusal());
  for (int i = 0; i < 40; ++i) Say(Refusal());
  Say(Ack());
  EXPECT_EQ(session()->held_acks.size(), 16u);
  EXPECT_TRUE(session()->acks_dropped);
  CommitAll();
  EXPECT_TRUE(session()->held_acks.empty());
  EXPECT_LT(session()->assignments_acked, session()->assignments_sent);
  Say(Ack());
  CommitAll();
  EXPECT_EQ(session()->assignments_acked, session()->assignments_sent);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

TEST_F(LostDataOrderTest, AListThatWasNotSentIsNotAnswered) {
  v1::AttachRequest bold = Ack();
  bold.mutable_assignments_ack()->set_version(1'000'000);
  Say(bold);
  CommitAll();
  EXPECT_EQ(session()->assignments_acked, session()->assignments_sent);
}

TEST_F(LostDataOrderTest, AnAcknowledgementThatChangesNothingWaitsForTheReportInTheStore) {
  AttachAgain();
  Say(Whole());
  CommitAll();
  Say(Lost());
  Say(Ack());
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_LEADER_OFFLINE);
  CommitAll();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  EXPECT_FALSE(simulator_.EverShown(0, v1::PARTITION_STATUS_ONLINE));
}

// The rest of the list is still looked for: it counts, and the list is asked for again.
TEST_F(LostDataOrderTest, APartOfAnAnswerCountsAndDoesNotStandForTheList) {
  AttachAgain();
  Say(Whole());
  CommitAll();
  v1::AttachRequest part = Ack();
  part.mutable_assignments_ack()->set_version(0);
  Say(part);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
  EXPECT_LT(session()->assignments_acked, session()->assignments_sent);
}

TEST_F(LostDataOrderTest, APartitionThatIsRefusedLaterIsNoLongerTaken) {
  AttachAgain();
  Say(Whole());
  CommitAll();
  Say(Ack());
  v1::AttachRequest refused = Ack();
  refused.mutable_assignments_ack()->mutable_results(0)->set_ok(false);
  refused.mutable_assignments_ack()->mutable_results(0)->set_refusal(v1::ASSIGNMENT_REFUSAL_DEVICE);
  Say(refused);
  CommitAll();
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_OFFLINE);
}

}  // namespace
}  // namespace tidemark::sc
