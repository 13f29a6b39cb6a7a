// What the policy can say of itself: why an episode began, and who lifted a person's hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "monitor/space_policy.h"
#include "tests/monitor/policy_rig.h"

namespace tidemark::monitor {
namespace {

using base::kMiB;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

struct Beginning {
  const char* name;
  std::function<void(PolicyRig&)> begin;
  std::vector<std::string> says;
};

class EpisodeBegan : public testing::TestWithParam<Beginning> {};

// The number alone does not tell a neighbour's flood from a quota or from a reserve that is gone.
TEST_P(EpisodeBegan, IsToldWithItsEvidence) {
  PolicyRig rig;
  rig.MakeReady();
  ASSERT_TRUE(rig.RunUntilOpen(seconds(1)));
  GetParam().begin(rig);
  ASSERT_TRUE(rig.policy().wanted_holds().space.has_value());
  for (const std::string& text : GetParam().says) {
    EXPECT_THAT(rig.policy().Explain(rig.now()).episode_began, HasSubstr(text));
  }
  // What comes later began nothing.
  rig.Do(event::AllocationFailed{SpaceCause::kBytes, "a later one"});
  EXPECT_THAT(rig.policy().Explain(rig.now()).episode_began, HasSubstr(GetParam().says.front()));
}

INSTANTIATE_TEST_SUITE_P(
    All, EpisodeBegan,
    testing::Values(
        Beginning{"reading",
                  [](PolicyRig& rig) {
                    rig.Fill(rig.marks().full_bytes - 1);
                    rig.Do(event::PollNow{});
                    rig.AnswerReading();
                  },
                  {"reading", "available", "full mark"}},
        Beginning{"inodes",
                  [](PolicyRig& rig) {
                    rig.inodes_available_ = rig.marks().full_inodes - 1;
                    rig.Do(event::PollNow{});
                    rig.AnswerReading();
                  },
                  {"reading", "inodes", "full mark"}},
        Beginning{"call",
                  [](PolicyRig& rig) {
                    rig.Do(event::AllocationFailed{SpaceCause::kQuota,
                                                   "allocate segment 7: Disk quota exceeded"});
                  },
                  {"allocate segment 7: Disk quota exceeded"}},
        Beginning{"step",
                  [](PolicyRig& rig) {
                    rig.Fill(rig.marks().full_bytes + rig.marks().step_bytes);
                    rig.Do(event::PollNow{});
                    rig.AnswerReading();
                    rig.inodes_available_ = rig.marks().full_inodes + 1;
                    rig.Do(event::PollNow{});
                    rig.AnswerReading();
                    rig.Do(event::NoStepFits{rig.marks().step_bytes, 2});
                  },
                  {"step", "does not fit"}},
        Beginning{"reserve",
                  [](PolicyRig& rig) { rig.Do(event::ReserveLost{"the file is gone"}); },
                  {"reserve", "the file is gone"}},
        Beginning{"wiped",
                  [](PolicyRig& rig) {
                    rig.Do(event::KnownElsewhere{base::Generation(50), base::Episode(4)});
                  },
                  {"generation 50"}},
        Beginning{"refused",
                  [](PolicyRig& rig) {
                    rig.Do(event::ProofRefused{rig.policy().durable().generation, "too short"});
                  },
                  {"proof", "too short"}},
        Beginning{"slot",
                  [](PolicyRig& rig) {
                    rig.Kill();
                    rig.Boot(true);
                  },
                  {"slot", "could not be read"}},
        Beginning{"enlarged",
                  [](PolicyRig& rig) {
                    rig.Kill();
                    rig.marks_.reserve_bytes += kMiB;
                    rig.Boot();
                    rig.AnswerVerify();
                  },
                  {"reserve", "configured"}}),
    [](const testing::TestParamInfo<Beginning>& beginning) { return beginning.param.name; });

TEST(SpacePolicyExplain, AnEpisodeOfAnEarlierProcessSaysThat) {
  PolicyRig rig;
  rig.MakeReady();
  ASSERT_TRUE(rig.RunUntilOpen(seconds(1)));
  rig.Do(event::AllocationFailed{SpaceCause::kBytes, "first"});
  ASSERT_TRUE(rig.RunUntil([&] { return rig.on_disk_.holds.space.has_value(); }, seconds(1)));
  rig.Kill();
  rig.Boot();
  EXPECT_THAT(rig.policy().Explain(rig.now()).episode_began, HasSubstr("before this start"));
}

TEST(SpacePolicyExplain, WhoLiftedAHoldIsKnownWhereThereWasOne) {
  PolicyRig rig;
  rig.MakeReady();
  ASSERT_TRUE(rig.RunUntilOpen(seconds(1)));
  rig.Do(event::OperatorReleases{"nobody"});
  EXPECT_FALSE(rig.policy().Explain(rig.now()).released.has_value());
  rig.Do(event::OperatorHolds{"ann", "disk swap"});
  rig.Do(event::OperatorReleases{"bob"});
  const auto released = rig.policy().Explain(rig.now()).released;
  ASSERT_TRUE(released.has_value());
  EXPECT_EQ(released->who, "bob");
  EXPECT_EQ(released->at_wall, rig.at().wall);
}

// What policy does not allow to go, counted to where the volume goes on.
TEST(SpacePolicyExplain, AnOperatorIsNeededForWhatIsShortOfTheResumeMark) {
  PolicyRig rig;
  rig.MakeReady();
  ASSERT_TRUE(rig.RunUntilOpen(seconds(1)));
  rig.Fill(rig.marks().full_bytes - 1);
  rig.Do(event::PollNow{});
  rig.Run(seconds(1));
  Explanation told = rig.policy().Explain(rig.now());
  EXPECT_TRUE(told.reclaim_needs_operator);
  EXPECT_EQ(told.reclaim_bytes_short, rig.marks().resume_bytes - rig.available());
  rig.Free(PolicyRig::kCapacity / 4);
  ASSERT_TRUE(rig.RunUntilOpen(seconds(20)));
  EXPECT_FALSE(rig.policy().Explain(rig.now()).reclaim_needs_operator);
}

TEST(SpacePolicyExplain, AnOperatorIsNeededForInodesNotForBytes) {
  PolicyRig rig;
  rig.MakeReady();
  ASSERT_TRUE(rig.RunUntilOpen(seconds(1)));
  rig.inodes_available_ = rig.marks().full_inodes - 1;
  rig.Do(event::PollNow{});
  rig.Run(seconds(1));
  const Explanation told = rig.policy().Explain(rig.now());
  EXPECT_TRUE(told.reclaim_needs_operator);
  EXPECT_EQ(told.reclaim_bytes_short, 0);
}

// As `volume reclaim` does, at any time, with all there is as its target.
TEST(SpacePolicyExplain, NobodyIsNeededWhereThereIsRoom) {
  PolicyRig rig;
  rig.MakeReady();
  ASSERT_TRUE(rig.RunUntilOpen(seconds(1)));
  rig.Do(event::ReclaimEnded{true, 0});
  EXPECT_FALSE(rig.policy().Explain(rig.now()).reclaim_needs_operator);
}

// Root filled the volume down into what is kept for it: that comes first, and no reading shows it
// as available.
TEST(SpacePolicyExplain, ShortIsAlsoWhatRootHasTakenOfItsOwn) {
  PolicyRig rig;
  rig.MakeReady();
  rig.root_only_bytes_ = 12 * kMiB;
  ASSERT_TRUE(rig.RunUntilOpen(seconds(1)));
  rig.Fill(0);
  rig.root_only_bytes_ = 2 * kMiB;
  rig.Do(event::PollNow{});
  rig.Run(seconds(1));
  const Explanation told = rig.policy().Explain(rig.now());
  ASSERT_TRUE(told.proof_failure.has_value());
  EXPECT_EQ(told.proof_failure->bytes_short, rig.marks().resume_bytes + 10 * kMiB);
  EXPECT_EQ(told.reclaim_bytes_short, rig.marks().resume_bytes + 10 * kMiB);
}

TEST(SpacePolicyExplain, SaysWhoSetTheMarks) {
  PolicyRig rig;
  rig.MakeReady();
  Marks marks = rig.marks();
  marks.low_bytes += kMiB;
  rig.Do(event::MarksChanged{marks, "configuration"});
  EXPECT_EQ(rig.policy().Explain(rig.now()).marks_set_by, "configuration");
}

}  // namespace
}  // namespace tidemark::monitor
