// Random walks: anything may happen in any order, and the checker of policy_rig.h looks on.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "tests/monitor/policy_rig.h"

namespace tidemark::monitor {
namespace {

using base::kMiB;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Tally {
  std::int64_t events = 0;
  std::int64_t opened = 0;
  std::int64_t proofs = 0;
  std::int64_t boots = 0;
  std::int64_t faults = 0;
  std::int64_t recovered = 0;
};

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : random_(seed) {}

  // One life of a volume. Returns the first violation, or "".
  std::string Run(int steps, Tally& tally) {
    if (Chance(2)) {
      rig_.MakeReady();
    } else {
      rig_.Boot();
    }
    for (int i = 0; i < steps; ++i) {
      ++tally.events;
      const bool was_open = rig_.booted() && rig_.policy().gate_open();
      Step(tally);
      if (rig_.booted() && rig_.policy().gate_open() && !was_open) ++tally.opened;
      if (!rig_.checker_.violations.empty()) return Violation();
    }
    return Settle(tally);
  }

 private:
  std::string Violation() const { return rig_.checker_.violations.front() + "\n" + rig_.Story(60); }
  std::int64_t Pick(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  bool Chance(std::int64_t n) { return Pick(n) == 0; }

  void Step(Tally& tally) {
    if (!rig_.booted()) {
      ++tally.boots;
      rig_.Boot(Chance(20));
      return;
    }
    // Without quiet stretches hardly any proof would come to its end, and none be spoilt late.
    if (calm_steps_ > 0) {
      --calm_steps_;
      if (!Chance(40)) {
        if (Chance(8) || !AnswerNow(tally)) Answer(tally);
        return;
      }
    } else if (Chance(40)) {
      calm_steps_ = Pick(250);
      if (!Chance(4)) rig_.Free(200 * kMiB);
      rig_.inodes_available_ = 5000;
    }
    if (Chance(3)) rig_.Pass(milliseconds(Pick(Chance(10) ? 20'000 : 400)));
    switch (Pick(40)) {
      case 0:
        rig_.Fill(Pick(rig_.marks().low_bytes));
        return;
      case 1:
      case 2:
        rig_.Free(Pick(150 * kMiB));
        return;
      case 3:
        rig_.inodes_available_ = Chance(2) ? Pick(300) : 5000;
        return;
      case 4:
        ++tally.faults;
        Fault();
        return;
      case 5:
        if (Chance(4)) {
          ++tally.boots;
          const bool written = rig_.persisting_ && Chance(2);
          const VerdictRecord record = written ? *rig_.persisting_ : rig_.on_disk_;
          rig_.Kill();
          rig_.on_disk_ = record;
          rig_.Boot(Chance(10));
        }
        return;
      case 6:
        Rare();
        return;
      case 7:
        rig_.steal_at_taking_ = Chance(3) ? Pick(100 * kMiB) : 0;
        return;
      default:
        Answer(tally);
    }
  }

  void Fault() {
    switch (Pick(8)) {
      case 0:
        rig_.Do(event::AllocationFailed{SpaceCause::kBytes, "ENOSPC"});
        break;
      case 1:
        if (Chance(6)) rig_.Do(event::DeviceFailed{DeviceCause::kIoError, "EIO"});
        break;
      case 2:
        rig_.reserve_ = Pick(rig_.reserve_ + 1);
        rig_.Do(event::ReserveLost{"test"});
        break;
      case 3:
        rig_.AnswerReadingWith(ReadingFault{ReadingFaultKind::kFreeAboveTotal, "test"});
        break;
      case 4: {
        SpaceReading slow = std::get<SpaceReading>(rig_.ReadDisk());
        slow.started = slow.started - milliseconds(Pick(3000));
        rig_.AnswerReadingWith(slow);
        break;
      }
      case 5:
        rig_.AnswerPersist(false, Chance(5), Chance(2));
        break;
      case 6:
        rig_.reading_ = false;  // it hangs
        break;
      default:
        if (Chance(10)) rig_.identity_ = {5, 5};
        rig_.AnswerReading();
        rig_.identity_ = {1, 2};
    }
  }

  void Rare() {
    switch (Pick(8)) {
      case 0:
        rig_.Do(event::OperatorHolds{"anna", "test"});
        break;
      case 1:
      case 2:
        rig_.Do(event::OperatorReleases{"anna"});
        break;
      case 3: {
        Marks marks = DeriveMarks(PolicyRig::kCapacity, PolicyRig::kInodes);
        marks.resume_bytes += Pick(4) * kMiB;
        marks.low_bytes += 4 * kMiB;
        rig_.Do(event::MarksChanged{marks, "anna"});
        break;
      }
      case 4:
        rig_.Do(event::ProofRefused{rig_.on_disk_.generation, "test"});
        break;
      case 5:
        if (Chance(4)) {
          rig_.Do(event::KnownElsewhere{rig_.on_disk_.generation + std::uint64_t(Pick(4)),
                                        base::Episode(0)});
        }
        break;
      case 6:
        rig_.Do(event::StepsMissing{Pick(8)});
        break;
      default:
        rig_.Do(event::NoStepFits{Pick(kMiB), Pick(3)});
    }
  }

  bool AnswerPersist(Tally& tally) {
    if (!rig_.persisting_) return false;
    if (rig_.on_disk_.holds.space && !rig_.persisting_->holds.space) ++tally.proofs;
    return rig_.AnswerPersist();
  }

  bool AnswerNow(Tally& tally) {
    return rig_.AnswerVerify() || AnswerPersist(tally) || rig_.AnswerReading() ||
           rig_.AnswerRoom() || rig_.AnswerReclaim();
  }

  void Answer(Tally& tally) {
    switch (Pick(8)) {
      case 0:
      case 1:
        rig_.AnswerReading();
        return;
      case 2:
        AnswerPersist(tally);
        return;
      case 3:
        rig_.AnswerRoom();
        return;
      case 4:
        rig_.AnswerVerify();
        return;
      case 5:
        rig_.AnswerReclaim();
        return;
      default:
        rig_.Pass(std::max(base::Duration(1), rig_.policy().NextWake() - rig_.now()));
        rig_.Tick();
    }
  }

  // Faults stop, space is there, the volume is restarted once: it must open.
  std::string Settle(Tally& tally) {
    rig_.foreign_ = 0;
    rig_.steps_ = 0;
    rig_.data_ = 0;
    rig_.inodes_available_ = 5000;
    rig_.steal_at_taking_ = 0;
    rig_.Boot();
    rig_.Do(event::OperatorReleases{"anna"});
    if (!rig_.RunUntilOpen(std::chrono::minutes(5))) {
      return "stays closed for ever: " + rig_.policy().Explain(rig_.now()).summary;
    }
    ++tally.recovered;
    return rig_.checker_.violations.empty() ? "" : Violation();
  }

  std::mt19937_64 random_;
  std::int64_t calm_steps_ = 0;
  PolicyRig rig_;
};

TEST(SpacePolicyWalk, NoOrderOfEventsBreaksThePromise) {
  const char* given = std::getenv("TIDEMARK_SEED");
  const std::uint64_t base_seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "seed " << base_seed << " (set TIDEMARK_SEED to run it again)\n";
  Tally tally;
  for (std::uint64_t round = 0; round < 500; ++round) {
    const std::string violation = Walk(base_seed + round).Run(400, tally);
    ASSERT_EQ(violation, "") << "TIDEMARK_SEED=" << base_seed + round;
  }
  std::cout << tally.events << " events, opened " << tally.opened << ", proofs " << tally.proofs
            << ", boots " << tally.boots << ", faults " << tally.faults << "\n";
  // A walk that never opened or proved anything would prove nothing.
  EXPECT_EQ(tally.events, 200'000);
  EXPECT_GT(tally.opened, 300);
  EXPECT_GT(tally.proofs, 100);
  EXPECT_GT(tally.boots, 100);
  EXPECT_GT(tally.faults, 500);
  EXPECT_EQ(tally.recovered, 500);
}

}  // namespace
}  // namespace tidemark::monitor
