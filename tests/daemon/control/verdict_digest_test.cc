#include "daemon/control/verdict_digest.h"

#include <gtest/gtest.h>

#include "tests/support/report_builder.h"

namespace tidemark::daemon {
namespace {

using test_support::FullReport;
using test_support::ReclaimedReport;
using test_support::VolumeUuid;

TEST(VerdictDigestTest, OrderAndRepetitionOfTheListedHoldsDoNotMatter) {
  sc::v1::Report a = FullReport(VolumeUuid(1), 4, 2);
  a.mutable_holds()->add_held(space::v1::HOLD_KIND_BLIND);
  sc::v1::Report b = FullReport(VolumeUuid(1), 4, 2);
  b.mutable_holds()->clear_held();
  b.mutable_holds()->add_held(space::v1::HOLD_KIND_BLIND);
  b.mutable_holds()->add_held(space::v1::HOLD_KIND_BLIND);
  EXPECT_EQ(CanonicalVerdict(a), CanonicalVerdict(b));
  EXPECT_EQ(VerdictDigest(a), VerdictDigest(b));
}

TEST(VerdictDigestTest, EveryPartOfTheVerdictCounts) {
  const sc::v1::Report base = ReclaimedReport(VolumeUuid(1), 4, 2);
  void (*const kChanges[])(sc::v1::Report&) = {
      [](sc::v1::Report& r) { r.set_generation(5); },
      [](sc::v1::Report& r) { r.set_episodes(3); },
      [](sc::v1::Report& r) { r.mutable_holds()->add_held(space::v1::HOLD_KIND_SPACE); },
      [](sc::v1::Report& r) { r.mutable_holds()->add_held(static_cast<space::v1::HoldKind>(17)); },
      [](sc::v1::Report& r) { r.mutable_holds()->mutable_space()->set_episode(9); },
      [](sc::v1::Report& r) { r.mutable_holds()->mutable_operator_()->set_who("anna"); },
      [](sc::v1::Report& r) { r.mutable_marks()->set_resume_bytes(1); },
      [](sc::v1::Report& r) { r.clear_proof(); },
      [](sc::v1::Report& r) { r.mutable_proof()->set_bytes_after(1); },
  };
  for (const auto change : kChanges) {
    sc::v1::Report other = base;
    change(other);
    EXPECT_NE(VerdictDigest(base), VerdictDigest(other)) << other.ShortDebugString();
  }
}

TEST(VerdictDigestTest, ReadingsTimesAndTheSessionDoNotCount) {
  const sc::v1::Report base = FullReport(VolumeUuid(1), 4, 2);
  sc::v1::Report other = base;
  other.set_session(8);
  other.set_sequence(80);
  other.mutable_reading()->set_available_bytes(1);
  other.mutable_room()->set_steps(2);
  other.set_bytes_short(7);
  other.mutable_holds()->mutable_space()->set_since_unix_ms(1);
  EXPECT_EQ(HeartbeatDigest(base), HeartbeatDigest(other));
  other.add_device_faults()->set_cause(space::v1::DEVICE_CAUSE_IO_ERROR);
  EXPECT_NE(HeartbeatDigest(base), HeartbeatDigest(other));
  EXPECT_EQ(VerdictDigest(base), VerdictDigest(other));
}

TEST(VerdictDigestTest, IsTheSameNumberForEver) {
  // Both sides may be of different builds: a change of this number breaks them apart.
  EXPECT_EQ(VerdictDigest(sc::v1::Report()), 16576238252511689155u);
}

}  // namespace
}  // namespace tidemark::daemon
