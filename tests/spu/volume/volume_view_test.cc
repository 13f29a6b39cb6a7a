// What people are told of a volume that is not as it should be: why, and what to do.
#include "spu/volume/volume_view.h"

#include <gmock/gmock.h>

#include "spu/volume/next_steps.h"
#include "tests/spu/volume/volume_rig.h"
#include "tests/support/capture_log_sink.h"

namespace tidemark::spu {
namespace {

namespace space_pb = tidemark::space::v1;
using support::Operation;
using support::WaitFor;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class VolumeViewTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
  }
  void Serve() {
    ASSERT_OK(rig_.Open());
    ASSERT_TRUE(rig_.AwaitAccepting(true));
  }

  VolumeRig rig_;
};

std::vector<std::string> StepsOf(const space_pb::Explanation& explanation) {
  return {explanation.next_steps().begin(), explanation.next_steps().end()};
}

TEST_F(VolumeViewTest, AVolumeThatCouldNotStartSaysWhyAndWhatToDo) {
  Serve();
  ASSERT_TRUE(rig_.Assign(7).ok());
  rig_.Fill(7);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  ASSERT_TRUE(WaitFor([&] { return rig_.durable().holds.space.has_value(); }, support::kLongWait,
                      "the hold to be durable"));
  rig_.Kill();
  rig_.disk().Add(
      {.operation = Operation::kList, .path_contains = "partitions", .error_number = EACCES});
  ASSERT_FALSE(rig_.Open().ok());

  const space_pb::Explanation explanation = rig_.explanation();
  ASSERT_EQ(explanation.volume().device_faults_size(), 1);
  EXPECT_THAT(explanation.volume().device_faults(0).detail(), HasSubstr("partitions"));
  EXPECT_THAT(explanation.volume().holds().held(), ElementsAre(space_pb::HOLD_KIND_SPACE));
  EXPECT_EQ(explanation.volume().episodes(), 1u);
  EXPECT_GT(explanation.volume().generation(), 0u);
  EXPECT_THAT(explanation.summary(), AllOf(HasSubstr("could not start"), HasSubstr("partitions")));
  EXPECT_THAT(StepsOf(explanation), Contains(HasSubstr("restart tidemark-spu")));
}

TEST_F(VolumeViewTest, AFirstStartOnAFullDiskSaysWhatItNeeds) {
  auto filler = support::ForeignFiller::Create(rig_.path());
  ASSERT_OK(filler);
  ASSERT_OK((*filler)->FillUntilLeft(base::kMiB));
  ASSERT_OK(rig_.Open());
  ASSERT_TRUE(WaitFor([&] { return rig_.explanation().proof().bytes_short() > 0; },
                      support::kLongWait, "the first readings"));
  const space_pb::Explanation explanation = rig_.explanation();
  EXPECT_FALSE(explanation.volume().accepting());
  EXPECT_THAT(explanation.volume().not_ready(), HasSubstr("first start"));
  EXPECT_THAT(StepsOf(explanation), Contains(StartsWith("free ")));
  EXPECT_THAT(StepsOf(explanation), Contains(HasSubstr("by itself")));
  // Not to be sent, but held against what the controller knows: it may have been another before.
  const auto truth =
      rig_.OnLoop<std::optional<VolumeTruth>>([](Volume& volume) { return TruthOf(volume, 1); });
  ASSERT_TRUE(truth.has_value());
  EXPECT_EQ(truth->record.generation, base::Generation(0));
}

TEST_F(VolumeViewTest, AVolumeThatServesIsReadyAndNothingIsToDo) {
  Serve();
  const space_pb::Explanation explanation = rig_.explanation();
  EXPECT_TRUE(explanation.volume().accepting());
  EXPECT_EQ(explanation.volume().not_ready(), "");
  EXPECT_EQ(explanation.marks_set_by(), "defaults");
  EXPECT_THAT(StepsOf(explanation), ElementsAre());
}

TEST_F(VolumeViewTest, TheBeginningOfAnEpisodeAndItsReclaimAreShown) {
  const support::CaptureLogSink log;
  Serve();
  ASSERT_TRUE(rig_.Assign(7).ok());
  rig_.Fill(7);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  EXPECT_THAT(rig_.explanation().episode_began(), Not(HasSubstr("before")));
  EXPECT_THAT(rig_.explanation().episode_began(), HasSubstr("full mark"));
  EXPECT_THAT(log.lines(),
              Contains(AllOf(HasSubstr("volume.episode_began"), HasSubstr("full mark"))));
  // Without retention policy allows nothing.
  EXPECT_TRUE(WaitFor([&] { return rig_.explanation().reclaim_needs_operator(); },
                      support::kLongWait, "the reclaim to come to its end"));
  EXPECT_GT(rig_.explanation().reclaim_bytes_short(), 0);
}

TEST_F(VolumeViewTest, AReadingThatFailsIsNamed) {
  Serve();
  rig_.disk().Add({.operation = Operation::kStatFileSystem, .error_number = EACCES});
  EXPECT_TRUE(WaitFor([&] { return rig_.explanation().reading_fault() != ""; }, support::kLongWait,
                      "a reading to fail"));
}

TEST_F(VolumeViewTest, APartitionThatLostRecordsIsNamedOnAReadyVolume) {
  Serve();
  PartitionSpec gone;
  gone.state.id = base::PartitionId(9);
  gone.state.topic = "orders";
  gone.state.index = 9;
  gone.taken_before = true;
  std::promise<void> assigned;
  rig_.loop().Run([&] {
    rig_.volumes().all().front()->Assign(gone, [&](const auto&) { assigned.set_value(); });
  });
  assigned.get_future().wait();
  const space_pb::Explanation explanation = rig_.explanation();
  EXPECT_TRUE(explanation.volume().accepting());
  ASSERT_EQ(explanation.partition_faults_size(), 1);
  const space_pb::PartitionFault& fault = explanation.partition_faults(0);
  EXPECT_EQ(fault.partition_id(), 9u);
  EXPECT_EQ(fault.topic(), "orders");
  EXPECT_TRUE(fault.lost_data());
  EXPECT_NE(fault.why(), "");
  EXPECT_THAT(explanation.summary(), HasSubstr("of its partitions 1 "));
}

TEST(NextSteps, NamesTheQuotaWhereAQuotaIsTheCause) {
  space_pb::Explanation explanation;
  space_pb::Volume& volume = *explanation.mutable_volume();
  volume.set_path("/data/a");
  volume.set_uuid("aaaa1111-0000");
  volume.mutable_holds()->add_held(space_pb::HOLD_KIND_SPACE);
  volume.mutable_holds()->mutable_space()->set_cause(space_pb::SPACE_CAUSE_QUOTA);
  volume.mutable_marks()->set_resume_bytes(100);
  volume.mutable_reading()->set_available_bytes(1000);
  const auto steps = NextSteps(explanation);
  ASSERT_FALSE(steps.empty());
  EXPECT_THAT(steps, Contains(AllOf(HasSubstr("quota"), HasSubstr("/data/a"))));
  EXPECT_THAT(steps, Not(Contains(HasSubstr("grow the filesystem"))));
}

}  // namespace
}  // namespace tidemark::spu
