// An SPU that runs and is refused: whoever looks for it is told why.
#include "base/clock.h"
#include "tests/cli/app_fixture.h"

namespace tidemark::cli {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class HelloRefusalsTest : public AppTest {
 protected:
  sc::v1::Spu& spu() { return *sc_.spus.mutable_spus(0); }
  void Refuse(const std::string& spu_id, std::int64_t at, const std::string& reason) {
    sc::v1::Event& event = *sc_.events.add_events();
    event.set_name("hello.refused");
    event.set_subject(spu_id);
    event.set_spu_id(spu_id);
    event.set_at_unix_ms(at);
    event.set_reason(reason);
  }
  void Leave() {
    spu().set_attached(false);
    spu().set_since_unix_ms(kThen);
    spu().mutable_volumes(0)->set_reach(sc::v1::REACH_DOWN);
  }
};

// The SC's store is new, or was wiped: it knows nobody, and refuses who knows another cluster.
TEST_F(HelloRefusalsTest, WhereNoneHasAttachedItIsSaidWhoWasRefusedAndWhy) {
  sc_.spus.clear_spus();
  EXPECT_THAT(Run({"status"}).out, HasSubstr("Next: start an SPU"));
  Refuse("node-1", kThen - 5000, "wrong cluster: an older reason");
  Refuse("node-1", kThen, "wrong cluster: this is cluster 0011");
  const std::string refused =
      "refused at 2026-11-23T04:00:00Z: wrong cluster: this is cluster 0011";
  EXPECT_THAT(Run({"status"}).out,
              AllOf(HasSubstr("none has attached yet\n  node-1: " + refused),
                    HasSubstr("Next: let SPU node-1 in, it was " + refused),
                    Not(HasSubstr("start an SPU")), Not(HasSubstr("older reason"))));
  EXPECT_EQ(sc_.listed_events.contains(), "hello.refused");
  EXPECT_THAT(Run({"spu", "list"}).err, HasSubstr("node-1: " + refused));
  const Ran described = Run({"spu", "describe", "node-1"});
  EXPECT_EQ(described.code, 2);
  EXPECT_THAT(described.err, AllOf(HasSubstr("there is no SPU 'node-1'"), HasSubstr(refused)));
}

// Its state directory was wiped: the SC knows its id with another uuid.
TEST_F(HelloRefusalsTest, AnSpuThatIsAwayBecauseItIsRefusedSaysSo) {
  Leave();
  Refuse("node-1", kThen + 1000, "unknown uuid: `tidemark spu replace node-1` lets another");
  const std::string refused =
      "refused at 2026-11-23T04:00:01Z: unknown uuid: `tidemark spu replace";
  EXPECT_THAT(Run({"status"}).out, HasSubstr(refused));
  EXPECT_THAT(Run({"spu", "describe", "node-1"}).out, HasSubstr(refused));
}

TEST_F(HelloRefusalsTest, WhatWasRefusedBeforeItAttachedIsNoReason) {
  Leave();
  Refuse("node-1", kThen - 1, "unknown uuid");
  EXPECT_THAT(Run({"status"}).out, Not(HasSubstr("refused")));
  EXPECT_THAT(Run({"spu", "describe", "node-1"}).out, Not(HasSubstr("refused")));
}

TEST_F(HelloRefusalsTest, ACloneThatWasRefusedLongAgoIsHistory) {
  Refuse("node-1", kThen, "superseded");
  Refuse("node-9", kThen, "wrong cluster");
  EXPECT_THAT(Run({"status"}).out, Not(HasSubstr("refused")));
  EXPECT_THAT(Run({"spu", "describe", "node-1"}).out, Not(HasSubstr("refused")));
}

// The one that is attached is not blamed for it.
TEST_F(HelloRefusalsTest, ACloneThatGoesOnTryingIsToldApartFromTheOneThatIsAttached) {
  Refuse("node-1", base::SystemClock().WallNow() - 30'000, "unknown uuid");
  EXPECT_THAT(Run({"status"}).out,
              AllOf(ContainsRegex("node-1: another process of this id was refused at .*: unknown"),
                    HasSubstr("session")));
  EXPECT_THAT(Run({"spu", "describe", "node-1"}).out, HasSubstr("another process of this id"));
  EXPECT_EQ(sc_.listed_events.contains(), "") << "no search through all of the history";
}

TEST_F(HelloRefusalsTest, WhereAllElseIsWellTheNextStepIsAboutTheRefused) {
  const base::WallMillis now = base::SystemClock().WallNow();
  spu().mutable_volumes(0)->clear_holds();
  EXPECT_THAT(Run({"status"}).out, HasSubstr("Next: nothing to do"));
  Refuse("node-9", now, "wrong cluster: this is cluster 0011");
  EXPECT_THAT(Run({"status"}).out,
              ContainsRegex("Next: let SPU node-9 in, it was refused at .*: wrong cluster"));
  Refuse("node-1", now, "unknown uuid");
  EXPECT_THAT(Run({"status"}).out,
              HasSubstr("Next: stop the other process that says it is SPU node-1, or give it"));
}

}  // namespace
}  // namespace tidemark::cli
