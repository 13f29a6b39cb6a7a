// What the history says: refusals with their number, episodes with their proof and their own
// numbers.
#include <gmock/gmock.h>

#include "tests/sc/core/controller_core_fixture.h"

namespace tidemark::sc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HistoryTest : public ControllerCoreTest {
 protected:
  EventRecord Newest(const std::string& name) const {
    const auto events = Events(name);
    return events.empty() ? EventRecord() : events.back();
  }
  // What no SPU ever wrote, and no time passes in which one could object.
  void Say(v1::Report report) {
    made_up_ = true;
    v1::AttachRequest message;
    report.set_session(LiveSession().value());
    report.set_sequence(2'000'000 + ++said_);
    *message.mutable_report() = std::move(report);
    Deliver(message);
    while (simulator_.Commit()) {
    }
  }

 private:
  std::uint64_t said_ = 0;
};

TEST_F(HistoryTest, ARefusalThatCameOftenSaysHowOften) {
  for (int i = 0; i < 50; ++i) simulator_.Inject(LastSent(v1::AttachRequest::kHello), true);
  simulator_.Settle();
  simulator_.Settle(std::chrono::minutes(1));
  simulator_.Inject(LastSent(v1::AttachRequest::kHello), true);
  simulator_.Settle();
  EXPECT_EQ(simulator_.CountEvents("hello.refused", "(and 49 more like it before)"), 1u);
}

TEST_F(HistoryTest, AReconnectIsNoRefusal) {
  v1::AttachRequest newer = LastSent(v1::AttachRequest::kHello);
  newer.mutable_hello()->set_attempt(50);
  simulator_.Inject(newer, true, /*half_open=*/true);
  while (simulator_.DeliverToController()) {
  }
  while (simulator_.Commit()) {
  }
  EXPECT_EQ(simulator_.CountEvents("session.lost", "a newer Hello"), 1u);
  EXPECT_TRUE(Events("message.refused").empty());
  EXPECT_EQ(AllRefused(), 0u);
}

TEST_F(HistoryTest, AHelloTheStoreFailsIsCountedAndTold) {
  simulator_.CutStream();
  simulator_.FailStore(true);
  simulator_.Settle(kLong);
  simulator_.FailStore(false);
  EXPECT_GE(Refused("store failed"), 1u);
  simulator_.Settle(std::chrono::minutes(2));
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

TEST_F(HistoryTest, AnEpisodeEndsWithTheNumbersOfItsProof) {
  const base::Uuid& volume = simulator_.volume(0);
  simulator_.Do(simulator_.spu().OutOfSpace(volume, simulator_.now()));
  simulator_.Settle();
  EXPECT_EQ(Newest("volume.out_of_space").subject(), "spu-a:/volume");
  EXPECT_EQ(Newest("volume.out_of_space").volume(), volume.ToString());
  v1::Report proven = test_support::ReclaimedReport(volume, 3, 1);
  space::v1::Proof& proof = *proven.mutable_proof();
  proof.set_bytes_before(5 * base::kMiB);
  proof.set_freed_by_us_bytes(30 * base::kMiB);
  proof.set_observed_gain_bytes(16 * base::kMiB);
  proof.set_settle_ms(2000);
  Say(proven);
  const EventRecord event = Newest("volume.space_reclaimed");
  EXPECT_THAT(event.reason(),
              AllOf(HasSubstr("episode 1"), HasSubstr("5.0 MiB available before, 20.0 MiB after"),
                    HasSubstr("resume mark 20.0 MiB"), HasSubstr("2 steps (2.0 MiB)"),
                    HasSubstr("reserve of 8.0 MiB"), HasSubstr("3 readings over 2.0s"),
                    HasSubstr("freed by us 30.0 MiB, gain seen 16.0 MiB")));
  EXPECT_EQ(event.proof().episode(), 1u);
}

TEST_F(HistoryTest, EpisodesThatPassedUnseenAreNamedWithTheLatestProof) {
  const base::Uuid& volume = simulator_.volume(0);
  Say(test_support::ReclaimedReport(volume, 7, 3));
  const EventRecord passed = Newest("volume.episodes_passed");
  EXPECT_EQ(passed.from(), "ready");
  EXPECT_THAT(passed.reason(),
              AllOf(StartsWith("episodes 1 to 3 passed unseen"), HasSubstr("2 steps (2.0 MiB)")));
  EXPECT_EQ(passed.proof().episode(), 3u);

  Say(test_support::FullReport(volume, 10, 5));
  EXPECT_THAT(Newest("volume.out_of_space").reason(), StartsWith("episode 4 passed unseen"));

  v1::Report later = test_support::FullReport(volume, 14, 6);
  *later.mutable_proof() = test_support::ValidProof(5, later.marks());
  Say(later);
  EXPECT_EQ(Newest("volume.episodes_passed").from(), "space(episode 5, bytes)");
  EXPECT_EQ(Newest("volume.episodes_passed").to(), "space(episode 6, bytes)");
  EXPECT_THAT(Newest("volume.episodes_passed").reason(), StartsWith("episode 5 passed unseen"));
  EXPECT_EQ(Newest("volume.episodes_passed").proof().episode(), 5u);

  Say(test_support::ReclaimedReport(volume, 16, 8));
  EXPECT_THAT(Newest("volume.space_reclaimed").reason(), StartsWith("episodes 7 to 8 passed"));
}

TEST_F(HistoryTest, AnEpisodeOfInodesOrQuotaIsTold) {
  v1::Report report = test_support::FullReport(simulator_.volume(0), 2, 1);
  report.mutable_holds()->mutable_space()->set_cause(space::v1::SPACE_CAUSE_INODES);
  report.mutable_reading()->set_available_bytes(200 * base::kMiB);
  report.mutable_reading()->set_available_inodes(40);
  report.set_inodes_short(88);
  Say(report);
  EXPECT_EQ(Newest("volume.out_of_space").reason(),
            "40 inodes available, full mark 64, resume mark 128, 88 inodes short");
  EXPECT_THAT(simulator_.Verdict(0).reason, HasSubstr("40 inodes available"));

  v1::Report quota = test_support::FullReport(simulator_.volume(1), 2, 1);
  quota.mutable_holds()->mutable_space()->set_cause(space::v1::SPACE_CAUSE_QUOTA);
  quota.mutable_reading()->set_available_bytes(200 * base::kMiB);
  Say(quota);
  EXPECT_THAT(Newest("volume.out_of_space").reason(),
              AllOf(StartsWith("quota used up: 200.0 MiB available"), HasSubstr("full mark")));
}

TEST_F(HistoryTest, AProofOfInodesIsToldInInodes) {
  v1::Report proven = test_support::ReclaimedReport(simulator_.volume(0), 3, 1);
  proven.mutable_proof()->set_cause(space::v1::SPACE_CAUSE_INODES);
  proven.mutable_proof()->set_inodes_before(3);
  Say(proven);
  EXPECT_THAT(Newest("volume.episodes_passed").reason(),
              HasSubstr("3 inodes available before, 128 after, resume mark 128"));
}

TEST_F(HistoryTest, ALiftOfLostDataThatIsRefusedIsToldWithBothRecords) {
  v1::Report report = test_support::ReadyReport(simulator_.volume(0), 1);
  v1::LostData* lost = report.add_lost_data();
  lost->set_partition_id(1);
  lost->set_generation(4);
  lost->set_held(true);
  lost->set_from_offset(10);
  lost->set_to_offset(20);
  InjectReport(report);
  EXPECT_THAT(Newest("volume.verdict").to(), HasSubstr("lost-data(orders/0)"));
  v1::Report lift = report;
  lift.mutable_lost_data(0)->set_held(false);
  InjectReport(lift);
  const EventRecord event = Newest("lost_data.lift_refused");
  EXPECT_EQ(event.subject(), "orders/0");
  EXPECT_EQ(event.volume(), simulator_.volume(0).ToString());
  EXPECT_EQ(event.spu_id(), "spu-a");
  EXPECT_EQ(event.session(), LiveSession().value());
  EXPECT_EQ(event.from(), "held under number 4, offsets 10 to 20");
  EXPECT_EQ(event.to(), "lifted under number 4");
  EXPECT_EQ(Refused("lost data lifted"), 1u);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
}

// Another boot that finds nothing wrong brings nothing back: what it does not name it does not
// lift.
TEST_F(HistoryTest, LostDataOfAnEarlierBootStaysUntilItIsLiftedByName) {
  v1::Report report = test_support::ReadyReport(simulator_.volume(0), 1);
  v1::LostData* lost = report.add_lost_data();
  lost->set_partition_id(1);
  lost->set_generation(4);
  lost->set_held(true);
  InjectReport(report);
  simulator_.RestartSpu();
  simulator_.Settle(kLong);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
  simulator_.RestartController();
  simulator_.Settle(kLong);
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_FAILED);
}

// A text cut within a letter is none that a reader of protobuf takes: the whole history would be
// unreadable.
TEST_F(HistoryTest, TextsOfAPeerAreCutBetweenLetters) {
  v1::AttachRequest hello = LastSent(v1::AttachRequest::kHello);
  hello.mutable_hello()->set_spu_id(std::string(255, 'a') + "\u00e9\u00e9");
  simulator_.Inject(hello, true);
  while (simulator_.DeliverToController()) {
  }
  std::string why;
  for (int i = 0; i < 5000; ++i) why += "\u00e9";
  v1::Report held = test_support::ReadyReport(simulator_.volume(0), 2);
  held.mutable_holds()->add_held(space::v1::HOLD_KIND_OPERATOR);
  held.mutable_holds()->mutable_operator_()->set_who("anna");
  held.mutable_holds()->mutable_operator_()->set_why(why);
  Say(held);
  EXPECT_EQ(Newest("hello.refused").subject(), std::string(255, 'a'));
  EXPECT_EQ(Newest("volume.verdict").to().size(), 1023u) << "1024 is within a letter";
  for (const EventRecord& event : simulator_.store().events) {
    EXPECT_TRUE(EventRecord().ParseFromString(event.SerializeAsString())) << event.name();
  }
}

TEST_F(HistoryTest, ARefusedProofIsToldWithItsNumbers) {
  simulator_.Do(simulator_.spu().OutOfSpace(simulator_.volume(0), simulator_.now()));
  simulator_.Settle();
  v1::Report lie = test_support::ReclaimedReport(simulator_.volume(0), 3, 1);
  lie.mutable_proof()->set_bytes_after(base::kMiB);
  InjectReport(lie);
  ASSERT_FALSE(Events("report.refused").empty());
  const EventRecord event = Events("report.refused").front();
  EXPECT_EQ(event.subject(), "spu-a:/volume");
  EXPECT_THAT(event.reason(),
              AllOf(StartsWith("proof short: 1.0 MiB available"), HasSubstr("1.0 MiB after")));
  EXPECT_THAT(event.reason(), Not(HasSubstr("unknown")));
}

TEST_F(HistoryTest, AReportThatIsRefusedForItsSizeLeavesNoneInTheHistory) {
  v1::Report large = test_support::ReclaimedReport(simulator_.volume(0), 3, 1);
  large.mutable_proof()->set_file_system(std::string(1'000'000, 'x'));
  Say(large);
  ASSERT_FALSE(Events("report.refused").empty());
  EXPECT_THAT(Newest("report.refused").reason(), StartsWith("malformed: it has 100"));
  EXPECT_LT(Newest("report.refused").ByteSizeLong(), 8u * 1024);
}

}  // namespace
}  // namespace tidemark::sc
