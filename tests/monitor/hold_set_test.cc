#include "monitor/hold_set.h"

#include <gtest/gtest.h>

#include "monitor/proof.h"

namespace tidemark::monitor {
namespace {

TEST(HoldSetTest, IsReadyOnlyWithoutAnyHold) {
  EXPECT_TRUE(HoldSet{}.empty());
  HoldSet space;
  space.space = SpaceHold{};
  HoldSet blind;
  blind.blind = BlindHold{};
  HoldSet held;
  held.operator_hold = OperatorHold{};
  HoldSet device;
  device.device = DeviceHold{};
  for (const HoldSet& one : {space, blind, held, device}) EXPECT_FALSE(one.empty());
}

TEST(HoldSetTest, DescribesEveryHold) {
  HoldSet holds;
  EXPECT_EQ(DescribeHolds(holds), "ready");
  holds.space = SpaceHold{base::Episode(3), SpaceCause::kQuota, true, 0};
  holds.operator_hold = OperatorHold{"anna", "new disk", 0};
  holds.device = DeviceHold{DeviceCause::kStale, "fsync 'x'", 0};
  holds.blind = BlindHold{"deadline missed", 0};
  EXPECT_EQ(DescribeHolds(holds),
            "space(episode 3, quota, unproven), blind(deadline missed), operator(anna: new disk), "
            "device(stale handle: fsync 'x')");
}

Proof GoodProof() {
  Proof proof;
  proof.episode = base::Episode(1);
  proof.marks = DeriveMarks(std::int64_t{1} << 30, 1000);
  proof.bytes_after = proof.marks.resume_bytes;
  proof.inodes_after = proof.marks.resume_inodes;
  proof.counts_inodes = true;
  proof.reserve_bytes = proof.marks.reserve_bytes;
  proof.readings = kProofReadings;
  return proof;
}

TEST(ProofTest, IsJudgedByItsOwnMarks) {
  EXPECT_EQ(FindProofDefect(GoodProof()), "");
  const struct {
    const char* name;
    void (*spoil)(Proof&);
  } cases[] = {
      {"no episode", [](Proof& p) { p.episode = base::Episode(0); }},
      {"bytes", [](Proof& p) { --p.bytes_after; }},
      {"inodes", [](Proof& p) { --p.inodes_after; }},
      {"reserve", [](Proof& p) { --p.reserve_bytes; }},
      {"steps", [](Proof& p) { p.steps_taken = 1; }},
      {"readings", [](Proof& p) { --p.readings; }},
  };
  for (const auto& c : cases) {
    Proof proof = GoodProof();
    c.spoil(proof);
    EXPECT_NE(FindProofDefect(proof), "") << c.name;
  }
}

TEST(ProofTest, SaysPinnedUnderHalfOfWhatWeFreed) {
  EXPECT_FALSE(LooksPinned(0, 0));
  EXPECT_FALSE(LooksPinned(100, 50));
  EXPECT_TRUE(LooksPinned(100, 49));
  EXPECT_TRUE(LooksPinned(100, -10));
}

}  // namespace
}  // namespace tidemark::monitor
