#include "monitor/write_budget.h"

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <random>

namespace tidemark::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::MonotonicTime At(std::int64_t ms) { return base::MonotonicTime(milliseconds(ms)); }

SpaceReading Reading(std::int64_t started_ms, std::int64_t bytes, std::int64_t inodes = 1000) {
  SpaceReading reading;
  reading.available_bytes = bytes;
  reading.inodes_available = inodes;
  reading.counts_inodes = true;
  reading.started = At(started_ms);
  reading.finished = At(started_ms + 1);
  return reading;
}

class WriteBudgetTest : public testing::Test {
 protected:
  static Marks TestMarks() {
    Marks marks;
    marks.full_bytes = 100;
    marks.full_inodes = 10;
    return marks;
  }
  GrantId Granted(std::int64_t bytes, std::int64_t inodes, base::MonotonicTime now) {
    const auto answer = budget_.Request(bytes, inodes, now);
    EXPECT_TRUE(std::holds_alternative<GrantId>(answer));
    return std::holds_alternative<GrantId>(answer) ? std::get<GrantId>(answer) : GrantId(0);
  }
  BudgetRefusal Refused(std::int64_t bytes, std::int64_t inodes, base::MonotonicTime now) {
    const auto answer = budget_.Request(bytes, inodes, now);
    EXPECT_TRUE(std::holds_alternative<BudgetRefusal>(answer));
    return std::holds_alternative<BudgetRefusal>(answer) ? std::get<BudgetRefusal>(answer)
                                                         : BudgetRefusal{};
  }

  WriteBudget budget_{TestMarks()};
};

TEST_F(WriteBudgetTest, GrantsNothingWithoutAReading) {
  EXPECT_EQ(Refused(1, 0, At(0)).reason, BudgetRefusal::Reason::kNoReading);
  budget_.OnReading(Reading(0, 1000), At(100));
  Granted(1, 0, At(1));
  budget_.Invalidate();
  EXPECT_EQ(Refused(1, 0, At(2)).reason, BudgetRefusal::Reason::kNoReading);
}

TEST_F(WriteBudgetTest, SpendsDownToTheFullMarkAndNoFurther) {
  budget_.OnReading(Reading(0, 1000), At(100));
  Granted(900, 0, At(1));
  const BudgetRefusal refusal = Refused(1, 0, At(1));
  EXPECT_EQ(refusal.reason, BudgetRefusal::Reason::kBytes);
  EXPECT_EQ(refusal.available_bytes, 1000);
  EXPECT_EQ(refusal.full_bytes, 100);
  EXPECT_EQ(refusal.unseen_bytes, 900);
  EXPECT_EQ(refusal.ToString(),
            "want 1 B: 1000 B available, full mark 100 B, 900 B taken since the reading");
}

TEST_F(WriteBudgetTest, ExpiresWithItsReading) {
  budget_.OnReading(Reading(0, 1000), At(100));
  Granted(1, 0, At(99));
  EXPECT_EQ(Refused(1, 0, At(100)).reason, BudgetRefusal::Reason::kLeaseOut);
  EXPECT_FALSE(budget_.Snapshot(At(100)).valid);
}

TEST_F(WriteBudgetTest, CreditsOnlyAllocationsCompletedBeforeTheReadingStarted) {
  budget_.OnReading(Reading(0, 1000), At(10000));
  const GrantId early = Granted(300, 1, At(1));
  const GrantId late = Granted(200, 1, At(2));
  const GrantId pending = Granted(100, 1, At(3));
  budget_.Complete(early, At(9));
  budget_.Complete(late, At(10));
  budget_.OnReading(Reading(10, 700), At(10000));  // shows the early one only
  EXPECT_EQ(budget_.Snapshot(At(11)).bytes, 700 - 100 - 200 - 100);
  budget_.OnReading(Reading(11, 500), At(10000));
  EXPECT_EQ(budget_.Snapshot(At(12)).bytes, 500 - 100 - 100);
  budget_.Abandon(pending);
  EXPECT_EQ(budget_.Snapshot(At(12)).bytes, 500 - 100);
}

TEST_F(WriteBudgetTest, AnOlderReadingChangesNothing) {
  budget_.OnReading(Reading(10, 500), At(100));
  budget_.OnReading(Reading(5, 9000), At(200));
  budget_.OnReading(Reading(10, 9000), At(200));
  EXPECT_EQ(budget_.Snapshot(At(11)).bytes, 400);
  EXPECT_EQ(budget_.lease_until(), At(100));
}

TEST_F(WriteBudgetTest, InodesLimitToo) {
  budget_.OnReading(Reading(0, 100000, 13), At(100));
  Granted(1, 2, At(1));
  EXPECT_EQ(Refused(1, 2, At(1)).reason, BudgetRefusal::Reason::kInodes);
  Granted(1, 1, At(1));
  SpaceReading uncounted = Reading(2, 100000, 0);
  uncounted.counts_inodes = false;
  budget_.OnReading(uncounted, At(100));
  Granted(1, 50, At(3));
}

TEST_F(WriteBudgetTest, NewMarksCountAtOnce) {
  budget_.OnReading(Reading(0, 1000), At(100));
  Marks marks = TestMarks();
  marks.full_bytes = 950;
  budget_.SetMarks(marks);
  EXPECT_EQ(Refused(51, 0, At(1)).reason, BudgetRefusal::Reason::kBytes);
  Granted(50, 0, At(1));
}

// A disk on which allocations may become visible at any moment up to their completion, frees at any
// moment after it, and readings show some moment between their start and their end.
class LateDisk {
 public:
  explicit LateDisk(std::int64_t available) : really_(available), shown_(available) {}

  void Allocate(std::uint64_t id, std::int64_t bytes) {
    really_ -= bytes;
    hidden_[id] = bytes;
  }
  void Show(std::uint64_t id) {
    const auto found = hidden_.find(id);
    if (found == hidden_.end()) return;
    shown_ -= found->second;
    hidden_.erase(found);
  }
  void Free(std::int64_t bytes) {
    really_ += bytes;
    late_frees_.push_back(bytes);
  }
  void ShowAFree() {
    if (late_frees_.empty()) return;
    shown_ += late_frees_.back();
    late_frees_.pop_back();
  }
  std::int64_t really() const { return really_; }
  std::int64_t shown() const { return shown_; }

 private:
  std::int64_t really_;
  std::int64_t shown_;
  std::map<std::uint64_t, std::int64_t> hidden_;
  std::vector<std::int64_t> late_frees_;
};

TEST(WriteBudgetProperty, OurOwnAllocationsNeverCrossTheFullMark) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  const auto pick = [&random](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  constexpr std::int64_t kFull = 1000;
  Marks marks;
  marks.full_bytes = kFull;
  std::int64_t grants = 0;
  for (int round = 0; round < 300; ++round) {
    WriteBudget budget(marks);
    LateDisk disk(kFull + pick(5000));
    std::vector<GrantId> pending;
    std::map<GrantId, std::int64_t> sizes;
    std::int64_t held = 0;  // what a free may give back
    std::int64_t now = 1;
    std::optional<SpaceReading> under_way;
    for (int step = 0; step < 400; ++step) {
      if (pick(3) != 0) ++now;
      switch (pick(8)) {
        case 0:
        case 1:
        case 2: {
          const std::int64_t bytes = pick(400);
          const auto answer = budget.Request(bytes, 0, At(now));
          if (!std::holds_alternative<GrantId>(answer)) break;
          ++grants;
          const GrantId grant = std::get<GrantId>(answer);
          pending.push_back(grant);
          sizes[grant] = bytes;
          disk.Allocate(grant.value(), bytes);
          ASSERT_GE(disk.really(), kFull) << "seed " << seed << " round " << round;
          break;
        }
        case 3:
        case 4: {
          if (pending.empty()) break;
          const auto i = static_cast<std::size_t>(pick(static_cast<std::int64_t>(pending.size())));
          const GrantId grant = pending[i];
          disk.Show(grant.value());  // at the latest when it is synced
          budget.Complete(grant, At(now));
          held += sizes[grant];
          pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(i));
          break;
        }
        case 5:
          if (!pending.empty()) disk.Show(pending.front().value());
          disk.ShowAFree();
          break;
        case 6:
          if (held > 0) {
            const std::int64_t freed = pick(held + 1);
            held -= freed;
            disk.Free(freed);
          }
          break;
        default:
          if (!under_way) {
            under_way = Reading(now, disk.shown());
          } else {
            // The kernel looked somewhere in between.
            if (pick(2) == 0) under_way->available_bytes = disk.shown();
            budget.OnReading(*under_way, At(now + 1000));
            under_way.reset();
          }
      }
    }
  }
  EXPECT_GT(grants, 10000);
}

}  // namespace
}  // namespace tidemark::monitor
