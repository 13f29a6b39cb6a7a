// What `status` says is next: the most urgent thing a person can do something about.
#include <algorithm>

#include "tests/cli/app_fixture.h"

namespace tidemark::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Every partition Online on node-1:/data/a; node-2 registered once, reported nothing, never came
// back.
class NextStepTest : public AppTest {
 protected:
  NextStepTest() {
    for (auto& partition : *sc_.partitions.mutable_partitions()) {
      partition.set_volume("aaaa1111-0000");
    }
    mine().clear_holds();
    mine().set_partitions(2);
    sc::v1::Spu& ghost = *sc_.spus.add_spus();
    ghost.set_id("node-2");
    sc::v1::ScVolume& volume = *ghost.add_volumes();
    volume.set_uuid("bbbb2222-0000");
    volume.set_path("/data/u");
    volume.set_reach(sc::v1::REACH_DOWN);
  }

  sc::v1::Spu& spu() { return *sc_.spus.mutable_spus(0); }
  sc::v1::ScVolume& mine() { return *spu().mutable_volumes(0); }
  sc::v1::ScVolume& ghosts() { return *sc_.spus.mutable_spus(1)->mutable_volumes(0); }
  std::string Next() {
    const std::string out = Run({"status"}).out;
    return out.substr(std::min(out.find("Next: "), out.size()));
  }
  void Leave() {
    spu().set_attached(false);
    mine().set_reach(sc::v1::REACH_DOWN);
    for (auto& partition : *sc_.partitions.mutable_partitions()) {
      partition.set_status(sc::v1::PARTITION_STATUS_LEADER_OFFLINE);
      partition.set_reachable(false);
    }
  }
};

TEST_F(NextStepTest, AnSpuWithoutPartitionsThatNeverCameBackIsNoTask) {
  EXPECT_EQ(Next(), "Next: nothing to do\n");
  ghosts().set_reported(true);
  ghosts().mutable_holds()->add_held(space::v1::HOLD_KIND_SPACE);
  EXPECT_EQ(Next(), "Next: nothing to do\n") << "nor is an episode it will never end";
  ghosts().set_reach(sc::v1::REACH_ABSENT);
  sc_.spus.mutable_spus(1)->set_attached(true);
  EXPECT_EQ(Next(), "Next: nothing to do\n") << "nor is a volume that was taken away";
}

TEST_F(NextStepTest, AnSpuThatIsAwayWithPartitionsComesBeforeOneWithout) {
  Leave();
  EXPECT_EQ(Next(), "Next: tidemark spu describe node-1\n");
}

TEST_F(NextStepTest, AnOpenEpisodeComesFirstAlsoOfADeadSpu) {
  Leave();
  ghosts().set_reported(true);
  ghosts().set_partitions(1);
  ghosts().mutable_holds()->add_held(space::v1::HOLD_KIND_SPACE);
  EXPECT_EQ(Next(), "Next: tidemark volume explain node-2:/data/u\n");
}

TEST_F(NextStepTest, AVolumeThatAnswersAndDoesNotAcceptComesBeforeAnSpuThatIsAway) {
  ghosts().set_partitions(1);
  EXPECT_EQ(Next(), "Next: tidemark spu describe node-2\n");
  mine().mutable_holds()->add_held(space::v1::HOLD_KIND_OPERATOR);
  EXPECT_EQ(Next(), "Next: tidemark volume explain node-1:/data/a\n");
}

// A first start on a full disk: there is no report before there was room once.
TEST_F(NextStepTest, AVolumeOfAnAttachedSpuThatNeverReportedIsExplained) {
  mine().set_reported(false);
  mine().set_reach(sc::v1::REACH_SYNCING);
  EXPECT_EQ(Next(), "Next: tidemark volume explain node-1:/data/a\n");
}

TEST_F(NextStepTest, NoSpuAtAllIsATaskAlsoWithoutPartitions) {
  spu().set_attached(false);
  mine().set_reach(sc::v1::REACH_DOWN);
  mine().set_partitions(0);
  sc_.partitions.clear_partitions();
  EXPECT_EQ(Next(), "Next: tidemark spu describe node-1\n");
}

// Formatted anew at the same place: the old one is absent, and keeps its partitions.
class ReplacedVolumeTest : public NextStepTest {
 protected:
  ReplacedVolumeTest() {
    sc::v1::ScVolume& fresh = *spu().add_volumes();
    fresh = mine();
    fresh.set_uuid("cccc3333-0000");
    fresh.set_partitions(0);
    mine().set_reach(sc::v1::REACH_ABSENT);
    spu_.explanation.mutable_volume()->set_uuid("cccc3333-0000");
    spu_.explanation.mutable_volume()->set_path("/data/a");
    spu_.explanation.mutable_volume()->set_accepting(true);
  }
};

TEST_F(ReplacedVolumeTest, ItsPlaceNamesTheOneThatIsThere) {
  for (const char* name : {"/data/a", "node-1:/data/a"}) {
    const Ran ran = Run({"volume", "explain", name});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("/data/a on SPU node-1: Ready"));
    EXPECT_THAT(Run({"volume", "describe", name}).out, HasSubstr("cccc3333-0000"));
  }
}

TEST_F(ReplacedVolumeTest, TheOneThatIsAbsentIsNamedByItsUuidAndNotExplainedByTheOther) {
  EXPECT_EQ(Next(), "Next: tidemark volume explain aaaa1111-0000\n");
  spu_.unknown_volumes = {"aaaa1111-0000"};
  const Ran ran = Run({"volume", "explain", "aaaa1111-0000"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("LAST KNOWN"), HasSubstr("Unknown (was Ready)")));
}

TEST_F(ReplacedVolumeTest, OfTwoSpusWithTheSamePathNoneIsPreferred) {
  ghosts().set_path("/data/a");
  const Ran ran = Run({"volume", "explain", "/data/a"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("fits several volumes"));
  EXPECT_EQ(Run({"volume", "explain", "node-1:/data/a"}).code, 0);
}

}  // namespace
}  // namespace tidemark::cli
