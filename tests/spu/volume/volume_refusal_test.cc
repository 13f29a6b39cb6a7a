// The typed detail of a refusal: the numbers that decided, and no others.
#include "spu/volume/volume_refusal.h"

#include <gmock/gmock.h>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;
using monitor::HoldSet;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""min;
using support::WaitFor;
using testing::HasSubstr;

// Every number another one, so that none can stand for another.
VolumeState Closed() {
  VolumeState state;
  state.uuid = "0b1f";
  state.path = "/data/a";
  state.marks.full_bytes = 5'000;
  state.marks.resume_bytes = 7'000;
  state.marks.low_bytes = 11'000;
  state.marks.full_inodes = 50;
  state.marks.resume_inodes = 70;
  state.reading.emplace();
  state.reading->available_bytes = 4'321;
  state.reading->total_bytes = 64'000;
  state.reading->inodes_available = 321;
  state.reading->inodes_total = 1'000;
  state.retry_after = 1'234ms;
  return state;
}

void ExpectNumbers(const Refusal& refusal) {
  EXPECT_EQ(refusal.volume(), "0b1f");
  EXPECT_EQ(refusal.volume_path(), "/data/a");
  EXPECT_EQ(refusal.available_bytes(), 4'321);
  EXPECT_EQ(refusal.full_bytes(), 5'000);
  EXPECT_EQ(refusal.resume_bytes(), 7'000);
  EXPECT_EQ(refusal.available_inodes(), 321);
  EXPECT_EQ(refusal.retry_delay_ms(), 1'234);
}

TEST(VolumeRefusalTest, TellsTheReasonOfEachHoldWithTheNumbersOfTheVolume) {
  struct Case {
    HoldSet holds;
    log_pb::RefusalReason reason;
    absl::StatusCode code;
    std::uint64_t episode;
    std::string says;
  };
  const HoldSet space{.space = monitor::SpaceHold{.episode = base::Episode(9)}};
  const HoldSet blind{.blind = monitor::BlindHold{.reason = "no reading"}};
  const HoldSet held{.operator_hold = monitor::OperatorHold{.who = "eve", .why = "moving"}};
  const HoldSet device{
      .device = monitor::DeviceHold{.cause = monitor::DeviceCause::kIoError, .detail = "EIO"}};
  for (const Case& c : {
           Case{space, log_pb::REFUSAL_REASON_OUT_OF_SPACE, absl::StatusCode::kResourceExhausted, 9,
                "4.2 KiB available, full mark 4.9 KiB, resume mark 6.8 KiB (episode 9)"},
           Case{blind, log_pb::REFUSAL_REASON_VOLUME_BLIND, absl::StatusCode::kUnavailable, 0,
                "no reading"},
           Case{held, log_pb::REFUSAL_REASON_VOLUME_HELD_BY_OPERATOR,
                absl::StatusCode::kFailedPrecondition, 0, "held by eve: moving"},
           Case{device, log_pb::REFUSAL_REASON_VOLUME_FAILED, absl::StatusCode::kUnavailable, 0,
                "EIO"},
           Case{{},
                log_pb::REFUSAL_REASON_PROVISIONING,
                absl::StatusCode::kUnavailable,
                0,
                "not open"},
       }) {
    SCOPED_TRACE(c.says);
    VolumeState state = Closed();
    state.holds = c.holds;
    const auto refusal = RefusalOf(state);
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(refusal->reason(), c.reason);
    EXPECT_EQ(refusal->grpc_code(), static_cast<int>(c.code));
    EXPECT_EQ(refusal->episode(), c.episode);
    EXPECT_THAT(refusal->message(), HasSubstr(c.says));
    ExpectNumbers(*refusal);
  }
}

TEST(VolumeRefusalTest, SaysNothingWhileTheVolumeAccepts) {
  VolumeState state = Closed();
  state.accepting = true;
  EXPECT_FALSE(RefusalOf(state).has_value());
}

// Whatever its own verdict is: even an accepting one takes nothing.
TEST(VolumeRefusalTest, AFenceComesBeforeEverythingElse) {
  VolumeState state = Closed();
  for (const bool accepting : {true, false}) {
    state.accepting = accepting;
    state.fence = "volume belongs to SPU 'other'";
    const auto refusal = RefusalOf(state);
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(refusal->reason(), log_pb::REFUSAL_REASON_FENCED);
    EXPECT_THAT(refusal->message(), HasSubstr("belongs to SPU 'other'"));
    ExpectNumbers(*refusal);
  }
}

TEST(VolumeRefusalTest, NoStepHasTheNumbersOfTheVolumeToo) {
  for (const bool out_of_space : {true, false}) {
    const Refusal refusal = NoStepRefusal(Closed(), "why", out_of_space);
    EXPECT_EQ(refusal.reason(),
              out_of_space ? log_pb::REFUSAL_REASON_OUT_OF_SPACE : log_pb::REFUSAL_REASON_NO_STEP);
    ExpectNumbers(refusal);
  }
}

TEST(VolumeRefusalTest, ARetryIsNeitherAtOnceNorNever) {
  VolumeState state = Closed();
  for (const auto& [after, told] :
       {std::pair<base::Duration, int>{0ms, 50}, {1ms, 50}, {500ms, 500}, {90min, 60'000}}) {
    state.retry_after = after;
    EXPECT_EQ(RefusalOf(state)->retry_delay_ms(), told);
  }
}

// What a producer is told is what the disk says.
TEST(VolumeRefusalTest, OfARealVolumeHasWhatTheDiskAndTheNewestReadingSay) {
  VolumeRig rig;
  if (!rig.unavailable().empty()) GTEST_SKIP() << rig.unavailable();
  ASSERT_OK(rig.Open());
  ASSERT_TRUE(rig.AwaitAccepting(true));
  ASSERT_TRUE(rig.Assign(1).ok());
  rig.Fill(1);
  ASSERT_TRUE(rig.AwaitAccepting(false));
  auto neighbour = support::ForeignFiller::Create(rig.path());
  ASSERT_OK(neighbour);
  ASSERT_OK((*neighbour)->Take(3 * storage::kBlockBytes));
  const auto on_disk = support::ForeignFiller::AvailableBytes(rig.path());
  ASSERT_OK(on_disk);
  ASSERT_TRUE(WaitFor(
      [&] {
        return *on_disk == rig.OnLoop<std::int64_t>(
                               [](Volume& v) { return v.State().reading->available_bytes; });
      },
      support::kLongWait, "a reading that shows what the neighbour took"));

  const Refusal refusal = *rig.Append(1, {}).refusal;
  const monitor::VerdictRecord durable = rig.durable();
  EXPECT_EQ(refusal.reason(), log_pb::REFUSAL_REASON_OUT_OF_SPACE);
  EXPECT_EQ(refusal.available_bytes(), *on_disk);
  EXPECT_EQ(refusal.full_bytes(), durable.marks.full_bytes);
  EXPECT_EQ(refusal.resume_bytes(), durable.marks.resume_bytes);
  EXPECT_EQ(refusal.episode(), durable.episode.value());
  EXPECT_EQ(refusal.volume_path(), rig.path());
  EXPECT_EQ(refusal.volume(),
            rig.OnLoop<std::string>([](Volume& v) { return v.uuid().ToString(); }));
  EXPECT_GE(refusal.retry_delay_ms(), 50);
}

}  // namespace
}  // namespace tidemark::spu
