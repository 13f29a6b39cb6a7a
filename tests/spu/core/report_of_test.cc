#include "spu/core/report_of.h"

#include <gtest/gtest.h>

#include "daemon/control/verdict_digest.h"

namespace tidemark::spu {
namespace {

VolumeTruth SomeTruth() {
  VolumeTruth truth;
  truth.record.volume = base::Uuid({1});
  truth.record.generation = base::Generation(9);
  truth.record.episode = base::Episode(3);
  truth.record.marks.resume_bytes = 20;
  truth.record.marks.reserve_bytes = 8;
  return truth;
}

TEST(ReportOfTest, HoldsAreThereAlsoWhenEmpty) {
  const auto report = ReportOf(SomeTruth(), base::MonotonicTime());
  EXPECT_TRUE(report.has_holds());
  EXPECT_TRUE(daemon::HoldKindsOf(report.holds()).empty());
  EXPECT_FALSE(report.has_proof());
  EXPECT_FALSE(report.has_reading());
}

TEST(ReportOfTest, EveryHoldIsListedAndDetailed) {
  VolumeTruth truth = SomeTruth();
  truth.record.holds.space = monitor::SpaceHold{
      .episode = base::Episode(3), .cause = monitor::SpaceCause::kInodes, .unproven = true};
  truth.record.holds.blind = monitor::BlindHold{.reason = "deadline missed"};
  truth.record.holds.operator_hold = monitor::OperatorHold{.who = "anna", .why = "new disk"};
  truth.record.holds.device = monitor::DeviceHold{.cause = monitor::DeviceCause::kReadOnly};
  truth.device_faults.push_back({.cause = monitor::DeviceCause::kSyncFailed, .detail = "EIO"});
  const auto report = ReportOf(truth, base::MonotonicTime());
  EXPECT_EQ(report.holds().held_size(), 4);
  EXPECT_EQ(report.holds().space().episode(), 3u);
  EXPECT_EQ(report.holds().space().cause(), space::v1::SPACE_CAUSE_INODES);
  EXPECT_TRUE(report.holds().space().unproven());
  EXPECT_EQ(report.holds().blind().reason(), "deadline missed");
  EXPECT_EQ(report.holds().operator_().who(), "anna");
  EXPECT_EQ(report.holds().device().cause(), space::v1::DEVICE_CAUSE_READ_ONLY);
  ASSERT_EQ(report.device_faults_size(), 1);
  EXPECT_EQ(report.device_faults(0).cause(), space::v1::DEVICE_CAUSE_SYNC_FAILED);
}

TEST(ReportOfTest, CarriesTheProofItsMarksAndTheAgeOfTheReading) {
  VolumeTruth truth = SomeTruth();
  truth.record.last_proof = monitor::Proof{.episode = base::Episode(3),
                                           .marks = truth.record.marks,
                                           .bytes_after = 25,
                                           .reserve_bytes = 8,
                                           .readings = 4};
  truth.reading = monitor::SpaceReading{.available_bytes = 25};
  const auto report = ReportOf(truth, base::MonotonicTime(std::chrono::milliseconds(40)));
  EXPECT_EQ(report.generation(), 9u);
  EXPECT_EQ(report.episodes(), 3u);
  EXPECT_EQ(report.proof().episode(), 3u);
  EXPECT_EQ(report.proof().marks().resume_bytes(), 20);
  EXPECT_EQ(report.proof().readings(), 4);
  EXPECT_EQ(report.reading().age_ms(), 40);
}

}  // namespace
}  // namespace tidemark::spu
