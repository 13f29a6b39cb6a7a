// Every set of holds × every event, against the table in hold_effects.h and against the promises.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/hold_effects.h"
#include "tests/monitor/policy_rig.h"

namespace tidemark::monitor {
namespace {

using base::kMiB;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IsEmpty;

constexpr HoldMask kAllMasks = kSpaceMask | kBlindMask | kOperatorMask | kDeviceMask;

HoldMask MaskNow(const PolicyRig& rig) {
  PolicyRig& r = const_cast<PolicyRig&>(rig);
  return static_cast<HoldMask>(MaskOf(r.policy().wanted_holds()) |
                               (r.policy().device_fault() ? kDeviceMask : kNoHold));
}

// A volume whose durable record has these holds, in the middle of a boot or settled.
void Prepare(PolicyRig& rig, HoldMask holds, bool plenty) {
  rig.reserve_ = rig.marks().reserve_bytes;
  rig.on_disk_.generation = base::Generation(5);
  rig.on_disk_.episode = base::Episode(2);
  if (holds & kSpaceMask) rig.on_disk_.holds.space = SpaceHold{base::Episode(2)};
  if (holds & kBlindMask) rig.on_disk_.holds.blind = BlindHold{"test", 0};
  if (holds & kOperatorMask) rig.on_disk_.holds.operator_hold = OperatorHold{"anna", "test", 0};
  if (!plenty) rig.Fill(rig.marks().full_bytes - 1);
  rig.Boot();
  if (holds & kDeviceMask) rig.Do(event::DeviceFailed{DeviceCause::kIoError, "EIO"});
  rig.AnswerVerify();
}

SpaceEvent ReadingOf(PolicyRig& rig, std::int64_t available_bytes) {
  SpaceReading reading = std::get<SpaceReading>(rig.ReadDisk());
  reading.available_bytes = available_bytes;
  return event::ReadingArrived{reading};
}

struct NamedEvent {
  const char* name;
  // What must be held afterwards, whatever was held before; and what must still be held if it was.
  HoldMask raises;
  HoldMask keeps;
  SpaceEvent event;
};

// At least one of each kind, several where the content decides.
std::vector<NamedEvent> AllEvents(PolicyRig& rig) {
  const Marks& m = rig.marks();
  SpaceReading foreign = std::get<SpaceReading>(rig.ReadDisk());
  foreign.identity = {9, 9};
  SpaceReading read_only = std::get<SpaceReading>(rig.ReadDisk());
  read_only.read_only = true;
  SpaceReading slow = std::get<SpaceReading>(rig.ReadDisk());
  slow.started = rig.now() - seconds(3);
  SpaceReading no_inodes = std::get<SpaceReading>(rig.ReadDisk());
  no_inodes.inodes_available = 0;
  Marks wider = m;
  wider.resume_bytes += kMiB;
  const auto fault = [](ReadingFaultKind kind) {
    return event::ReadingArrived{ReadingFault{kind, "test"}};
  };
  constexpr HoldMask kEverything = kAllMasks;
  return {
      {"reading with plenty", kNoHold, kEverything, ReadingOf(rig, m.low_bytes * 2)},
      {"reading in the gap", kNoHold, kEverything, ReadingOf(rig, m.resume_bytes - 1)},
      {"reading below full", kSpaceMask, kEverything, ReadingOf(rig, m.full_bytes - 1)},
      {"reading less than a step above full", kSpaceMask, kEverything,
       ReadingOf(rig, m.full_bytes + m.step_bytes - 1)},
      {"reading without inodes", kSpaceMask, kEverything, event::ReadingArrived{no_inodes}},
      {"reading of another filesystem", kDeviceMask, kEverything, event::ReadingArrived{foreign}},
      {"reading of a read-only mount", kDeviceMask, kEverything, event::ReadingArrived{read_only}},
      {"reading past its deadline", kNoHold, kEverything, event::ReadingArrived{slow}},
      {"reading failed", kNoHold, kEverything, fault(ReadingFaultKind::kFailed)},
      {"reading missed", kNoHold, kEverything, fault(ReadingFaultKind::kDeadlineMissed)},
      {"reading with total 0", kNoHold, kEverything, fault(ReadingFaultKind::kNoTotal)},
      {"reading with free above total", kNoHold, kEverything,
       fault(ReadingFaultKind::kFreeAboveTotal)},
      {"reading too large", kNoHold, kEverything, fault(ReadingFaultKind::kOverflow)},
      {"tick", kNoHold, kEverything, event::Tick{}},
      {"ENOSPC", kSpaceMask, kEverything, event::AllocationFailed{SpaceCause::kBytes, "ENOSPC"}},
      {"EDQUOT", kSpaceMask, kEverything, event::AllocationFailed{SpaceCause::kQuota, "EDQUOT"}},
      {"no step fits", kNoHold, kEverything, event::NoStepFits{1, 1}},
      {"sync failed", kDeviceMask, kEverything,
       event::DeviceFailed{DeviceCause::kSyncFailed, "fdatasync: ENOSPC"}},
      {"missing volume", kDeviceMask, kEverything,
       event::DeviceFailed{DeviceCause::kMissingVolume, "no marker"}},
      {"reserve lost", kSpaceMask, kEverything, event::ReserveLost{"test"}},
      {"marks changed", kNoHold, kEverything, event::MarksChanged{wider, "anna"}},
      {"operator holds", kOperatorMask, kEverything, event::OperatorHolds{"anna", "test"}},
      {"operator releases", kNoHold, kAllMasks & ~kOperatorMask, event::OperatorReleases{"anna"}},
      {"persisted something never asked", kNoHold, kEverything,
       event::Persisted{base::Generation(999)}},
      {"persist failed, never asked", kNoHold, kEverything,
       event::PersistFailed{base::Generation(999), "EIO"}},
      {"room verified", kNoHold, kEverything, event::RoomVerified{true, m.reserve_bytes, ""}},
      {"room damaged", kSpaceMask, kEverything, event::RoomVerified{false, 0, "short"}},
      {"room taken, never asked", kNoHold, kEverything,
       event::RoomTaken{999, m.reserve_bytes, 1, m.step_bytes}},
      {"room refused, never asked", kNoHold, kEverything, event::RoomRefused{999, "ENOSPC"}},
      {"steps missing", kNoHold, kEverything, event::StepsMissing{3}},
      {"space freed", kNoHold, kEverything, event::SpaceFreed{kMiB}},
      {"reclaim ended", kNoHold, kEverything, event::ReclaimEnded{true, 0}},
      {"poll now", kNoHold, kEverything, event::PollNow{}},
      {"known elsewhere, lower", kNoHold, kEverything,
       event::KnownElsewhere{base::Generation(3), base::Episode(0)}},
      {"known elsewhere, higher", kSpaceMask, kEverything,
       event::KnownElsewhere{base::Generation(77), base::Episode(0)}},
      {"proof refused", kSpaceMask, kEverything, event::ProofRefused{base::Generation(5), "short"}},
      {"proof of an older report refused", kNoHold, kEverything,
       event::ProofRefused{base::Generation(4), "short"}},
  };
}

TEST(SpacePolicyTable, HasARowForEveryEvent) {
  PolicyRig rig;
  std::set<std::size_t> kinds;
  for (const NamedEvent& e : AllEvents(rig)) kinds.insert(e.event.index());
  EXPECT_EQ(kinds.size(), std::variant_size_v<SpaceEvent>);
}

TEST(SpacePolicyTable, OnlyReadingsMayLiftSpaceAndNothingLiftsADeviceFault) {
  for (const HoldEffect& effect : kHoldEffects) {
    EXPECT_EQ(effect.may_lift & kSpaceMask, effect.event == "reading arrived" ? kSpaceMask : 0)
        << effect.event;
    EXPECT_EQ(effect.may_lift & kDeviceMask, 0) << effect.event;
    EXPECT_EQ(effect.may_lift & kOperatorMask,
              effect.event == "operator releases" ? kOperatorMask : 0)
        << effect.event;
  }
}

TEST(SpacePolicyTable, EverySetOfHoldsMeetsEveryEvent) {
  int cells = 0;
  for (HoldMask holds = 0; holds <= kAllMasks; ++holds) {
    for (const bool plenty : {true, false}) {
      // Once before the first reading, once after it; once while a record is being written.
      for (int stage = 0; stage < 3; ++stage) {
        PolicyRig counting;
        const std::size_t events = AllEvents(counting).size();
        for (std::size_t i = 0; i < events; ++i) {
          PolicyRig rig;
          Prepare(rig, holds, plenty);
          if (stage >= 1) rig.AnswerReading();
          if (stage == 1) rig.AnswerPersist();
          rig.Pass(milliseconds(3));
          const NamedEvent cell = AllEvents(rig)[i];
          SCOPED_TRACE(testing::Message() << "holds " << int{holds} << ", plenty " << plenty
                                          << ", stage " << stage << ", event " << cell.name);
          const HoldMask before = MaskNow(rig);
          const VerdictRecord durable = rig.on_disk_;
          // The disk agrees with what the event says of it.
          if (std::holds_alternative<event::ReserveLost>(cell.event)) rig.reserve_ = 0;
          if (const auto* verified = std::get_if<event::RoomVerified>(&cell.event)) {
            rig.reserve_ = verified->reserve_bytes;
          }
          rig.Do(cell.event);
          const HoldMask after = MaskNow(rig);
          EXPECT_EQ(after & cell.raises, cell.raises);
          EXPECT_EQ(before & cell.keeps & ~after, 0);
          // A gate closes in the event that sets a hold, and is open only without any.
          if (after != 0) {
            EXPECT_FALSE(rig.policy().gate_open());
          }
          EXPECT_EQ(rig.on_disk_, durable);
          if (rig.persisting_) {
            EXPECT_GT(rig.persisting_->generation, durable.generation);
          }
          EXPECT_THAT(rig.checker_.violations, IsEmpty());
          ++cells;
        }
      }
    }
  }
  EXPECT_GT(cells, 3000);
}

// From every set of holds the volume opens again exactly when each hold got its own evidence.
TEST(SpacePolicyTable, EveryHoldIsLiftedByItsOwnEvidenceOnly) {
  for (HoldMask holds = 1; holds <= kAllMasks; ++holds) {
    for (HoldMask evidence = 0; evidence <= kAllMasks; ++evidence) {
      SCOPED_TRACE(testing::Message() << "holds " << int{holds} << ", evidence " << int{evidence});
      PolicyRig rig;
      Prepare(rig, holds, false);
      rig.Fill(rig.marks().resume_bytes - 1);  // in the gap: no hold by itself, no proof either
      if (evidence & kSpaceMask) rig.Free(50 * kMiB);
      if (evidence & kOperatorMask) rig.Do(event::OperatorReleases{"anna"});
      if (evidence & kDeviceMask) {
        rig.Boot();
        rig.AnswerVerify();
        // A restart takes what was not durable yet back.
        if (evidence & kOperatorMask) rig.Do(event::OperatorReleases{"anna"});
      }
      // Readings are the evidence against blind: here they fail from the start.
      if ((evidence & kBlindMask) == 0) {
        for (int i = 0; i < 100; ++i) {
          rig.AnswerPersist();
          rig.AnswerReadingWith(ReadingFault{ReadingFaultKind::kFailed, "test"});
          rig.Pass(milliseconds(200));
          rig.Tick();
        }
        EXPECT_FALSE(rig.policy().gate_open());
        EXPECT_EQ(MaskNow(rig) & kSpaceMask, holds & kSpaceMask);
      } else {
        rig.Run(seconds(30));
        // Without a hold the space check as usual is all: the gap is enough.
        EXPECT_EQ(rig.policy().gate_open(), (holds & ~evidence & ~kBlindMask) == 0)
            << rig.policy().Explain(rig.now()).summary;
      }
      EXPECT_THAT(rig.checker_.violations, IsEmpty());
    }
  }
}

}  // namespace
}  // namespace tidemark::monitor
