// The promise on one real volume: out of space, and back only after a proof.
#include <gmock/gmock.h>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;
using support::FaultRule;
using support::Operation;
using support::WaitFor;
using testing::HasSubstr;

class VolumeSpaceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
    ASSERT_OK(rig_.Open());
    ASSERT_TRUE(rig_.AwaitAccepting(true));
    ASSERT_TRUE(rig_.Assign(kPartition).ok());
  }

  VolumeRig rig_;
};

TEST_F(VolumeSpaceTest, FillsToTypedRefusalsAndKeepsEverythingAcknowledged) {
  const VolumeRig::Filled filled = rig_.Fill(kPartition);
  EXPECT_GT(filled.acknowledged, 10'000);
  EXPECT_EQ(filled.refusal.reason(), log_pb::REFUSAL_REASON_OUT_OF_SPACE);
  EXPECT_EQ(filled.refusal.grpc_code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
  EXPECT_GT(filled.refusal.available_bytes(), 0) << "own writes never come near ENOSPC";
  EXPECT_GT(filled.refusal.resume_bytes(), filled.refusal.full_bytes());
  EXPECT_GT(filled.refusal.retry_delay_ms(), 0);
  EXPECT_EQ(filled.refusal.episode(), 1u);
  EXPECT_THAT(filled.refusal.message(), HasSubstr("full mark"));

  ASSERT_TRUE(rig_.AwaitAccepting(false));
  EXPECT_TRUE(rig_.holds().space.has_value());
  EXPECT_FALSE(rig_.device_fault().has_value());
  EXPECT_EQ(std::ssize(rig_.ReadAll(kPartition)), filled.acknowledged);
}

// Just enough is left above full for the reading to call it enough. A volume that then refused the
// append all the same was Online, in no episode, and refused everything.
TEST_F(VolumeSpaceTest, TakesTheLastStepAboveFull) {
  auto filler = support::ForeignFiller::Create(rig_.path());
  ASSERT_OK(filler);
  const monitor::Marks marks = rig_.durable().marks;
  const std::int64_t left = storage::RoundUpToBlock(marks.full_bytes + marks.step_bytes);
  ASSERT_OK((*filler)->FillUntilLeft(left));
  const auto seen = [&](Volume& volume) {
    volume.Apply(monitor::event::PollNow{});
    return volume.State().reading->available_bytes == left;
  };
  ASSERT_TRUE(WaitFor([&] { return rig_.OnLoop<bool>(seen); }, support::kLongWait, "a reading"));
  const AppendResult last = rig_.Append(kPartition, {});
  EXPECT_FALSE(last.refusal.has_value()) << last.refusal->ShortDebugString();
  const VolumeRig::Filled filled = rig_.Fill(kPartition);
  EXPECT_EQ(filled.refusal.episode(), 1u) << filled.refusal.ShortDebugString();
  EXPECT_TRUE(rig_.holds().space.has_value());
}

TEST_F(VolumeSpaceTest, GoesOnAfterTrimWithAProofThatTookItsRoom) {
  const VolumeRig::Filled filled = rig_.Fill(kPartition);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  const TrimResult trimmed = rig_.Trim(kPartition, base::Offset(filled.acknowledged / 2));
  EXPECT_FALSE(trimmed.refusal.has_value());
  EXPECT_GT(trimmed.freed_bytes, 0);
  ASSERT_TRUE(rig_.AwaitAccepting(true));

  const monitor::VerdictRecord durable = rig_.durable();
  EXPECT_TRUE(durable.holds.empty());
  ASSERT_TRUE(durable.last_proof.has_value());
  EXPECT_EQ(durable.last_proof->episode, base::Episode(1));
  EXPECT_GE(durable.last_proof->bytes_after, durable.marks.resume_bytes);
  EXPECT_GE(durable.last_proof->reserve_bytes, durable.marks.reserve_bytes);
  EXPECT_EQ(durable.last_proof->freed_by_us_bytes, trimmed.freed_bytes);
  EXPECT_EQ(monitor::FindProofDefect(*durable.last_proof), "");
  EXPECT_FALSE(rig_.Append(kPartition, {}).refusal.has_value());
}

TEST_F(VolumeSpaceTest, TrimOfTheActiveSegmentFreesItToo) {
  const VolumeRig::Filled filled = rig_.Fill(kPartition);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  rig_.Trim(kPartition, base::Offset(filled.acknowledged));
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  EXPECT_EQ(rig_.ReadAll(kPartition).size(), 0u);
  EXPECT_EQ(rig_.Append(kPartition, {}).base_offset, base::Offset(filled.acknowledged));
}

TEST_F(VolumeSpaceTest, StaysOutOfSpaceWhenANeighbourTakesWhatWasFreed) {
  auto filler = support::ForeignFiller::Create(rig_.path());
  ASSERT_OK(filler);
  const VolumeRig::Filled filled = rig_.Fill(kPartition);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  ASSERT_OK((*filler)->StartGrabbing());
  rig_.Trim(kPartition, base::Offset(filled.acknowledged / 2));
  ASSERT_TRUE(WaitFor(
      [&] {
        const auto explanation = rig_.explanation();
        return explanation.proof().tries() > 0 && explanation.proof().bytes_short() > 0 &&
               explanation.next_steps(0).starts_with("free ");
      },
      support::kLongWait, "a proof that says how many bytes are short, and to free them"));
  EXPECT_FALSE(rig_.accepting());
  EXPECT_TRUE(rig_.Append(kPartition, {}).refusal.has_value());

  ASSERT_OK((*filler)->StopGrabbing());
  ASSERT_OK((*filler)->Free());
  ASSERT_TRUE(rig_.AwaitAccepting(true));
}

TEST_F(VolumeSpaceTest, AKillInTheEpisodeStaysHeldBeforeTheFirstReading) {
  rig_.Fill(kPartition);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  ASSERT_TRUE(WaitFor([&] { return rig_.durable().holds.space.has_value(); }, support::kLongWait,
                      "the hold to be durable"));
  const monitor::VerdictRecord before = rig_.durable();
  rig_.Kill();

  ASSERT_OK(rig_.Open());
  EXPECT_FALSE(rig_.accepting());
  EXPECT_TRUE(rig_.holds().space.has_value());
  EXPECT_EQ(rig_.durable().generation, before.generation);
  EXPECT_EQ(rig_.Append(kPartition, {}).refusal->reason(), log_pb::REFUSAL_REASON_OUT_OF_SPACE);
}

TEST_F(VolumeSpaceTest, ADeviceFaultInTheEpisodeDoesNotEndIt) {
  const VolumeRig::Filled filled = rig_.Fill(kPartition);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  const auto rule =
      rig_.disk().Add({.operation = Operation::kStatFileSystem,
                       .edit = [](storage::FileSystemStat& stat) { stat.file_system_id += 1; }});
  ASSERT_TRUE(WaitFor([&] { return rig_.device_fault().has_value(); }, support::kLongWait,
                      "the fault to be seen"));
  EXPECT_TRUE(rig_.holds().space.has_value());
  rig_.disk().Remove(rule);
  rig_.Trim(kPartition, base::Offset(filled.acknowledged / 2));
  rig_.Kill();
  ASSERT_OK(rig_.Open());
  EXPECT_TRUE(rig_.durable().holds.space.has_value()) << "the episode has no proof yet";
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  EXPECT_TRUE(rig_.durable().last_proof.has_value());
}

TEST_F(VolumeSpaceTest, TrimAndDeleteWorkAtZeroBytesAndZeroInodes) {
  ASSERT_TRUE(rig_.Assign(8).ok());
  for (int i = 0; i < 20; ++i) {
    ASSERT_FALSE(rig_.Append(kPartition, {.records = 64, .value_bytes = 1000}).refusal.has_value());
    ASSERT_FALSE(rig_.Append(8, {.records = 64, .value_bytes = 1000}).refusal.has_value());
  }
  auto filler = support::ForeignFiller::Create(rig_.path());
  ASSERT_OK(filler);
  ASSERT_OK((*filler)->FillCompletely());
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  EXPECT_FALSE(rig_.Trim(kPartition, base::Offset(20 * 64)).refusal.has_value());
  EXPECT_OK(rig_.Delete(8));
  rig_.Close();
  ASSERT_OK(rig_.Open());
  EXPECT_EQ(rig_.OnLoop<std::size_t>([](Volume& v) { return v.partitions().size(); }), 1u);
  ASSERT_OK((*filler)->Free());
  ASSERT_TRUE(rig_.AwaitAccepting(true));
}

TEST_F(VolumeSpaceTest, ENOSPCAtAStepIsAHoldAndLosesNothing) {
  ASSERT_FALSE(rig_.Append(kPartition, {.records = 3}).refusal.has_value());
  rig_.disk().Add(
      {.operation = Operation::kAllocate, .path_contains = ".log", .error_number = ENOSPC});
  const VolumeRig::Filled filled = rig_.Fill(kPartition);
  EXPECT_EQ(filled.refusal.reason(), log_pb::REFUSAL_REASON_OUT_OF_SPACE);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  EXPECT_EQ(std::ssize(rig_.ReadAll(kPartition)), filled.acknowledged + 3);
  // The disk has room all the time: it goes on by a proof, not by itself.
  rig_.disk().Clear();
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  EXPECT_TRUE(rig_.durable().last_proof.has_value());
}

struct KeepsGoing {
  std::string name;
  tidemark::sc::v1::TopicPolicy policy;
};

// More than the volume holds, through topics that may lose their oldest: it may pause, and then
// goes on by itself.
TEST_F(VolumeSpaceTest, GoesOnByItselfWhereThePolicyAllowsTheOldestToGo) {
  tidemark::sc::v1::TopicPolicy retention;
  retention.set_retention_bytes(8 * base::kMiB);
  tidemark::sc::v1::TopicPolicy drop_oldest;
  drop_oldest.set_on_full(tidemark::sc::v1::ON_FULL_DROP_OLDEST);
  for (const KeepsGoing& topic :
       {KeepsGoing{"retention", retention}, KeepsGoing{"drop oldest", drop_oldest}}) {
    SCOPED_TRACE(topic.name);
    const std::uint64_t id = topic.name.size();
    ASSERT_TRUE(rig_.Assign(id, topic.policy).ok());
    constexpr std::int64_t kBatches = 1500;
    std::int64_t appended = 0;
    while (appended < kBatches * 64) {
      if (!rig_.Append(id, {.records = 64, .value_bytes = 1000}).refusal.has_value()) {
        appended += 64;
      } else {
        ASSERT_TRUE(rig_.AwaitAccepting(true)) << rig_.explanation().ShortDebugString();
      }
    }
    const auto values = rig_.ReadAll(id);
    EXPECT_GT(values.size(), 0u);
    EXPECT_LT(std::ssize(values), appended);
    ASSERT_OK(rig_.Delete(id));
  }
}

struct Lie {
  std::string name;
  FaultRule rule;
  bool device = false;  // else blind
};

class LyingStatvfsTest : public testing::TestWithParam<Lie> {};

TEST_P(LyingStatvfsTest, ClosesTheGateAndNeverOpensItOnALie) {
  VolumeRig rig;
  if (!rig.unavailable().empty()) GTEST_SKIP() << rig.unavailable();
  rig.options().reading_deadline = std::chrono::milliseconds(50);
  ASSERT_OK(rig.Open());
  ASSERT_TRUE(rig.AwaitAccepting(true));
  const auto rule = rig.disk().Add(GetParam().rule);
  ASSERT_TRUE(rig.AwaitAccepting(false));
  if (GetParam().device) {
    EXPECT_TRUE(rig.device_fault().has_value());
  } else {
    ASSERT_TRUE(WaitFor([&] { return rig.durable().holds.blind.has_value(); }, support::kLongWait,
                        "the blind hold to be durable"));
  }
  // A device fault is lifted by a start that verified the disk, a blind hold by fresh readings.
  if (GetParam().device) rig.Kill();
  rig.disk().Remove(rule);
  rig.disk().Release();
  if (!GetParam().device) {
    ASSERT_TRUE(rig.AwaitAccepting(true));
    rig.Kill();
  }
  ASSERT_OK(rig.Open());
  ASSERT_TRUE(rig.AwaitAccepting(true));
}

storage::FileSystemStat NothingAtAll() { return {}; }

INSTANTIATE_TEST_SUITE_P(
    Lies, LyingStatvfsTest,
    testing::Values(Lie{"Fails", {.operation = Operation::kStatFileSystem, .error_number = ENOMEM}},
                    Lie{"Hangs", {.operation = Operation::kStatFileSystem, .hang = true}},
                    Lie{"TotalZero",
                        {.operation = Operation::kStatFileSystem,
                         .edit =
                             [](storage::FileSystemStat& stat) {
                               const auto id = stat;
                               stat = NothingAtAll();
                               stat.device_id = id.device_id;
                               stat.file_system_id = id.file_system_id;
                             }}},
                    Lie{"FreeAboveTotal",
                        {.operation = Operation::kStatFileSystem,
                         .edit =
                             [](storage::FileSystemStat& stat) {
                               stat.blocks_available = stat.blocks_total * 2;
                               stat.blocks_free = stat.blocks_total * 2;
                             }}},
                    Lie{"IdentityChanged",
                        {.operation = Operation::kStatFileSystem,
                         .edit = [](storage::FileSystemStat& stat) { stat.device_id += 1; }},
                        true},
                    Lie{"ReadOnly",
                        {.operation = Operation::kStatFileSystem,
                         .edit = [](storage::FileSystemStat& stat) { stat.read_only = true; }},
                        true}),
    [](const auto& lie) { return lie.param.name; });

}  // namespace
}  // namespace tidemark::spu
