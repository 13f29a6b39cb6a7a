// A topic of on_full = drop_oldest that is written fast: its oldest goes as soon as it must, and
// only for what it wrote itself. The volume is full of it from the beginning.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "monitor/reclaim_plan.h"
#include "tests/monitor/policy_rig.h"

namespace tidemark::monitor {
namespace {

using base::kMiB;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::IsEmpty;

class SpacePolicyRing : public testing::Test {
 protected:
  static constexpr base::Duration kTick = milliseconds(5);
  static constexpr base::Duration kStepTime = milliseconds(100);  // unlinked, and a reading of it

  void SetUp() override {
    rig_.MakeReady();
    rig_.data_ = rig_.available() - rig_.marks().low_bytes - kMiB;
    floor_bytes_ = rig_.data_;
    ASSERT_TRUE(rig_.RunUntilOpen(seconds(1)));
  }
  ~SpacePolicyRing() override { EXPECT_THAT(rig_.checker_.violations, IsEmpty()); }

  // We write, or a neighbour does; until it is over, or the gate closes.
  void Live(base::Duration duration, std::int64_t ours_per_second,
            std::int64_t foreign_per_second) {
    for (base::Duration over{0}; over < duration && rig_.policy().gate_open(); over += kTick) {
      rig_.Pass(kTick);
      Write(ours_per_second * kTick.count() / base::Duration(seconds(1)).count());
      rig_.foreign_ += foreign_per_second * kTick.count() / base::Duration(seconds(1)).count();
      if (rig_.policy().NextWake() <= rig_.now()) rig_.Tick();
      while (rig_.AnswerReading() || rig_.AnswerPersist()) continue;
      Reclaim();
    }
  }

  // In steps, as a volume does: by the write budget, and asking for a reading where it must.
  void Write(std::int64_t bytes) {
    const std::int64_t step = rig_.marks().step_bytes;
    for (unwritten_ += bytes; unwritten_ >= step; unwritten_ -= step) {
      const auto answer = rig_.policy().Request(step, 0, rig_.now());
      if (!std::holds_alternative<GrantId>(answer)) return rig_.Do(event::NoStepFits{step, 0});
      rig_.data_ += step;
      rig_.policy().Complete(std::get<GrantId>(answer), rig_.now());
      if (rig_.policy().LowUnseen()) rig_.Do(event::PollNow{});
    }
  }

  void BeginReclaim() {
    rig_.reclaiming_ = false;
    ++runs_;
    std::vector<ReclaimCandidate> candidates;
    for (std::int64_t at = 0; at + segment() <= rig_.data_; at += segment()) {
      ReclaimCandidate& candidate = candidates.emplace_back();
      candidate.kind = ReclaimKind::kDropOldestSegment;
      candidate.base_offset = base::Offset(dropped_ + at);
      candidate.expected_bytes = segment();
    }
    const std::int64_t growth = rig_.data_ - floor_bytes_;
    const ReclaimLimits limits{rig_.reclaim_wanted_bytes_, growth > 0 ? growth + segment() : 0};
    run_.emplace(MakeReclaimPlan(std::move(candidates), limits), rig_.available(),
                 rig_.available() + rig_.reclaim_wanted_bytes_);
    BeginStep();
  }
  void BeginStep() {
    step_done_ = rig_.now() + kStepTime;
    data_before_ = rig_.data_;
  }

  void Reclaim() {
    if (!run_.has_value() && rig_.reclaiming_) BeginReclaim();
    if (!run_.has_value()) return;
    if (run_->Next() != nullptr) {
      if (rig_.now() < step_done_) return;
      const std::int64_t grown = rig_.data_ - data_before_;
      rig_.data_ -= segment();
      dropped_ += segment();
      run_->Observe(segment(), rig_.available(), grown);
      BeginStep();
    }
    if (run_->Next() != nullptr) return;
    rig_.Do(event::ReclaimEnded{run_->needs_operator(), run_->freed_bytes()});
    run_.reset();
  }

  std::int64_t segment() const { return rig_.marks().segment_bytes; }

  PolicyRig rig_;
  std::optional<ReclaimRun> run_;
  base::MonotonicTime step_done_;
  std::int64_t unwritten_ = 0;
  std::int64_t data_before_ = 0;
  std::int64_t floor_bytes_ = 0;
  std::int64_t dropped_ = 0;
  int runs_ = 0;
};

TEST_F(SpacePolicyRing, WrittenFastIsNeverFull) {
  Live(minutes(1), 15 * kMiB, 0);
  EXPECT_TRUE(rig_.policy().gate_open()) << rig_.Story(20);
  EXPECT_GT(dropped_, 2 * PolicyRig::kCapacity);
}

TEST_F(SpacePolicyRing, WrittenInBurstsIsNeverFull) {
  for (int burst = 0; burst < 20; ++burst) {
    Live(seconds(1), 30 * kMiB, 0);
    EXPECT_TRUE(rig_.policy().gate_open()) << "burst " << burst << rig_.Story(20);
    Live(seconds(20), 0, 0);
  }
}

TEST_F(SpacePolicyRing, KeepsAllWhileANeighbourFills) {
  Live(minutes(1), 0, 15 * kMiB);
  EXPECT_FALSE(rig_.policy().gate_open());
  EXPECT_EQ(dropped_, 0);
}

// What came to nothing is not repeated at once for ever.
TEST_F(SpacePolicyRing, WithNothingToDropIsAskedNowAndThen) {
  rig_.Fill(rig_.marks().low_bytes - kMiB);
  Live(minutes(10), 0, 0);
  EXPECT_TRUE(rig_.policy().gate_open());
  EXPECT_GT(runs_, 10);
  EXPECT_LE(runs_, 10 * 60 / 5 + 1);
}

}  // namespace
}  // namespace tidemark::monitor
