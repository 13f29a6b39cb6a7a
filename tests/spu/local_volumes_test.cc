// Operators' holds: each call is answered by what is durable of it, or is told that it is not.
#include "spu/local_volumes.h"

#include <gmock/gmock.h>

#include <deque>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

using support::FaultRule;
using support::Operation;
using support::WaitFor;
using testing::Contains;
using testing::HasSubstr;

using Answer = std::optional<absl::StatusOr<base::Generation>>;

class LocalVolumesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
    ASSERT_OK(rig_.Open());
    rig_.loop().Run([&] {
      local_.emplace(*rig_.loop(), rig_.volumes(), "node-1");
      rig_.OnChanged([&](const base::Uuid& volume) {
        if (local_.has_value()) local_->OnVolumeChanged(volume);
      });
    });
    ASSERT_TRUE(rig_.AwaitAccepting(true));
  }
  void TearDown() override {
    if (!local_.has_value()) return;
    rig_.disk().Release();
    rig_.loop().Run([&] { local_.reset(); });
  }

  // Calls in one turn of the loop, as they come from several people.
  Answer& Hold(const std::string& who, const std::string& why) {
    Answer& answer = answers_.emplace_back();
    rig_.loop().Run([&] { local_->Hold("", who, why, [&](auto result) { answer = result; }); });
    return answer;
  }
  Answer& Release(const std::string& who) {
    Answer& answer = answers_.emplace_back();
    rig_.loop().Run([&] { local_->Release("", who, [&](auto result) { answer = result; }); });
    return answer;
  }
  testing::AssertionResult Answered(const Answer& answer) {
    return WaitFor(
        [&] {
          bool there = false;
          rig_.loop().Run([&] { there = answer.has_value(); });
          return there;
        },
        support::kLongWait, "an answer");
  }
  // The next write of the verdict waits until Release() of the disk.
  void HangTheNextVerdict() {
    rig_.disk().Add({.operation = Operation::kWriteAt,
                     .path_contains = "verdict",
                     .when = FaultRule::When::kOnly,
                     .hang = true});
  }
  testing::AssertionResult AwaitHangingVerdict() {
    return WaitFor([&] { return rig_.disk().hanging() == 1; }, support::kLongWait,
                   "the write of the verdict to hang");
  }
  std::optional<monitor::OperatorHold> DurableHold() { return rig_.durable().holds.operator_hold; }

  VolumeRig rig_;
  std::optional<LocalVolumes> local_;
  std::deque<Answer> answers_;
};

TEST_F(LocalVolumesTest, ASecondHoldIsAnsweredWhenItsOwnReasonIsDurable) {
  Answer& first = Hold("ann", "disk swap");
  ASSERT_TRUE(Answered(first));
  ASSERT_OK(*first);
  Answer& second = Hold("bob", "new cable");
  ASSERT_TRUE(Answered(second));
  ASSERT_OK(*second);
  EXPECT_GT(**second, **first);
  EXPECT_EQ(DurableHold()->who, "bob");
  EXPECT_EQ(DurableHold()->why, "new cable");
}

TEST_F(LocalVolumesTest, AReleaseWhileTheHoldIsBeingWrittenIsAnsweredWhenTheHoldIsGone) {
  HangTheNextVerdict();
  Answer& hold = Hold("ann", "disk swap");
  ASSERT_TRUE(AwaitHangingVerdict());
  Answer& release = Release("bob");
  rig_.loop().Run([&] { EXPECT_FALSE(release.has_value()) << "nothing of it is durable yet"; });
  rig_.disk().Release();
  ASSERT_TRUE(Answered(release));
  ASSERT_OK(*release);
  EXPECT_FALSE(DurableHold().has_value());
  EXPECT_GE(rig_.durable().generation, **release);
  EXPECT_TRUE(Answered(hold));
}

TEST_F(LocalVolumesTest, AReleaseThatANewHoldOvertakesIsToldSo) {
  ASSERT_TRUE(Answered(Hold("ann", "disk swap")));
  HangTheNextVerdict();
  Answer& second = Hold("ann", "disk swap, still");
  ASSERT_TRUE(AwaitHangingVerdict());
  Answer& release = Release("bob");
  Answer& third = Hold("eve", "mine now");
  rig_.disk().Release();
  ASSERT_TRUE(Answered(third));
  ASSERT_OK(*third);
  ASSERT_TRUE(Answered(release));
  EXPECT_TRUE(absl::IsAborted(release->status())) << release->status();
  EXPECT_THAT(std::string(release->status().message()), HasSubstr("eve"));
  EXPECT_TRUE(Answered(second));
  EXPECT_EQ(DurableHold()->who, "eve");
}

TEST_F(LocalVolumesTest, TheSameHoldTwiceIsAnsweredTwice) {
  ASSERT_TRUE(Answered(Hold("ann", "disk swap")));
  Answer& again = Hold("ann", "disk swap");
  ASSERT_TRUE(Answered(again));
  EXPECT_OK(*again);
  Answer& release = Release("ann");
  ASSERT_TRUE(Answered(release));
  EXPECT_OK(*release);
  Answer& released_again = Release("ann");
  ASSERT_TRUE(Answered(released_again));
  EXPECT_TRUE(absl::IsFailedPrecondition(released_again->status())) << released_again->status();
}

// A volume at rest is looked at every 5 s: what is known at the release may be of before.
TEST_F(LocalVolumesTest, AReleaseOfAVolumeThatWasFilledMeanwhileOpensNothing) {
  ASSERT_TRUE(Answered(Hold("ann", "disk swap")));
  auto filler = support::ForeignFiller::Create(rig_.path());
  ASSERT_OK(filler);
  ASSERT_OK((*filler)->FillUntilLeft(base::kMiB));
  bool opened = false;
  rig_.loop().Run([&] {
    rig_.OnChanged([&](const base::Uuid& volume) {
      opened = opened || rig_.volumes().all().front()->accepting();
      if (local_.has_value()) local_->OnVolumeChanged(volume);
    });
  });
  Answer& release = Release("ann");
  ASSERT_TRUE(Answered(release));
  ASSERT_OK(*release);
  EXPECT_FALSE(DurableHold().has_value());
  EXPECT_TRUE(rig_.durable().holds.space.has_value());
  EXPECT_FALSE(opened);
}

// The reading that is under way is none after it, and the next would come in 5 s.
TEST_F(LocalVolumesTest, AReleaseDuringAReadingWaitsForTheNextAndASecondOneIsDoneByTheFirst) {
  ASSERT_TRUE(Answered(Hold("ann", "disk swap")));
  rig_.disk().Add({.operation = Operation::kStatFileSystem,
                   .path_contains = "",
                   .when = FaultRule::When::kOnly,
                   .hang = true});
  Answer& first = Release("bob");
  ASSERT_TRUE(
      WaitFor([&] { return rig_.disk().hanging() == 1; }, support::kLongWait, "a reading to hang"));
  Answer& second = Release("eve");
  rig_.disk().Release();
  ASSERT_TRUE(Answered(first));
  EXPECT_OK(*first);
  ASSERT_TRUE(second.has_value()) << "it waits for a reading, though nobody holds any more";
  EXPECT_OK(*second);
  EXPECT_FALSE(DurableHold().has_value());
}

// What one of them is told may be answered at once, while the others are being told.
TEST_F(LocalVolumesTest, AHoldBehindAReleaseThatWaitsForAReadingIsTheLast) {
  ASSERT_TRUE(Answered(Hold("ann", "disk swap")));
  Answer& release = Release("bob");
  Answer& hold = Hold("eve", "mine now");
  ASSERT_TRUE(Answered(hold));
  EXPECT_OK(*hold);
  ASSERT_TRUE(Answered(release));
  EXPECT_EQ(DurableHold()->who, "eve");
}

TEST_F(LocalVolumesTest, WhoReleasedAHoldIsShown) {
  ASSERT_TRUE(Answered(Hold("ann", "disk swap")));
  ASSERT_TRUE(Answered(Release("bob")));
  const auto explanation = rig_.explanation();
  EXPECT_EQ(explanation.released_by(), "bob");
  EXPECT_GT(explanation.released_unix_ms(), 0);
}

TEST_F(LocalVolumesTest, ADiskThatTakesNoVerdictIsAnsweredAsUnavailable) {
  rig_.disk().Add(
      {.operation = Operation::kWriteAt, .path_contains = "verdict", .error_number = EIO});
  Answer& hold = Hold("ann", "disk swap");
  ASSERT_TRUE(Answered(hold));
  EXPECT_TRUE(absl::IsUnavailable(hold->status())) << hold->status();
  EXPECT_THAT(std::string(hold->status().message()), HasSubstr("device fault"));
}

TEST_F(LocalVolumesTest, AVerdictThatHangsIsAnsweredAtTheDeadline) {
  rig_.loop().Run([&] { local_->set_deadline(std::chrono::milliseconds(50)); });
  HangTheNextVerdict();
  Answer& hold = Hold("ann", "disk swap");
  ASSERT_TRUE(Answered(hold));
  EXPECT_TRUE(absl::IsUnavailable(hold->status())) << hold->status();
  EXPECT_THAT(std::string(hold->status().message()), HasSubstr("not durable"));
}

TEST_F(LocalVolumesTest, AVolumeThatCouldNotBeOpenedIsListedAndExplained) {
  rig_.loop().Run([&] {
    rig_.volumes().AddUnopened(
        "/data/away",
        absl::FailedPreconditionError("open volume '/data/away': it has no volume.marker"));
  });
  std::vector<tidemark::space::v1::Volume> volumes;
  std::optional<absl::StatusOr<tidemark::space::v1::Explanation>> explained;
  rig_.loop().Run([&] {
    volumes = local_->ListVolumes();
    local_->Explain("/data/away", [&](auto result) { explained = std::move(result); });
  });
  ASSERT_EQ(volumes.size(), 2u);
  EXPECT_EQ(volumes.back().path(), "/data/away");
  EXPECT_EQ(volumes.back().device_faults_size(), 1);
  ASSERT_TRUE(explained.has_value());
  ASSERT_OK(*explained);
  EXPECT_THAT((*explained)->summary(), HasSubstr("it has no volume.marker"));
  const std::vector<std::string> steps((*explained)->next_steps().begin(),
                                       (*explained)->next_steps().end());
  EXPECT_THAT(steps, Contains(HasSubstr("mount its filesystem at /data/away")));
  EXPECT_THAT(steps, Contains(HasSubstr("restart tidemark-spu")));
  // What else is asked of it is refused for the same reason, and not as a slip of the pen.
  Answer& hold = answers_.emplace_back();
  rig_.loop().Run(
      [&] { local_->Hold("/data/away", "ann", "x", [&](auto result) { hold = result; }); });
  ASSERT_TRUE(hold.has_value());
  EXPECT_TRUE(absl::IsUnavailable(hold->status())) << hold->status();
}

}  // namespace
}  // namespace tidemark::spu
