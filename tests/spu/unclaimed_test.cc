// Absence never deletes: what nobody assigns is in no automatic plan.
#include <gtest/gtest.h>

#include "tests/spu/book_rig.h"
#include "tests/support/foreign_filler.h"

namespace tidemark::spu {
namespace {

namespace sc_pb = tidemark::sc::v1;

constexpr std::uint64_t kUnclaimed = 3;
constexpr std::uint64_t kWitness = 5;  // has the same policy, and somebody assigns it

class UnclaimedTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
    rig_.options().retention_interval = std::chrono::milliseconds(1);
    ASSERT_OK(rig_.Open());
    ASSERT_TRUE(rig_.AwaitAccepting(0));
    rig_.Send({BookRig::Full({rig_.Assignment(kUnclaimed, 0), rig_.Assignment(kWitness, 0)})});
    ASSERT_TRUE(rig_.AwaitResult(kUnclaimed).ok());
    ASSERT_TRUE(rig_.AwaitResult(kWitness).ok());
    // The one that has more to give is the first in a plan.
    rig_.Fill(kUnclaimed, 320);
    rig_.Fill(kWitness, 160);
    ASSERT_GT(Segments(kUnclaimed), 3u);
  }

  // The policy, and at once a list that does not name the partition any more.
  void GiveBothAPolicyAndAbandonOne(const sc_pb::TopicPolicy& policy) {
    sc_pb::Assignments both;
    *both.add_partitions() = rig_.Assignment(kUnclaimed, 0, policy);
    *both.add_partitions() = rig_.Assignment(kWitness, 0, policy);
    rig_.Send({both, BookRig::Full({rig_.Assignment(kWitness, 0, policy)})});
  }

  std::size_t Segments(std::uint64_t id) {
    return rig_.Of<std::size_t>(0, [id](Volume& volume) {
      return volume.Find(base::PartitionId(id))->log().Segments().size();
    });
  }
  testing::AssertionResult AwaitFewerThan(std::size_t segments) {
    return support::WaitFor([&] { return Segments(kWitness) < segments; }, support::kLongWait,
                            "the witness to lose segments");
  }
  std::int64_t PlannedOf(std::uint64_t id) {
    return rig_.Of<std::int64_t>(0, [id](Volume& volume) {
      const monitor::ReclaimPlan plan = volume.PlanReclaim(base::kGiB);
      return std::ranges::count_if(
          plan.steps, [id](const auto& step) { return step.partition == base::PartitionId(id); });
    });
  }

  BookRig rig_{1};
};

TEST_F(UnclaimedTest, RetentionTakesNothingOfWhatNobodyAssigns) {
  const std::size_t segments = Segments(kUnclaimed);
  const std::size_t of_witness = Segments(kWitness);
  sc_pb::TopicPolicy policy;
  policy.set_retention_bytes(1);
  GiveBothAPolicyAndAbandonOne(policy);
  EXPECT_EQ(PlannedOf(kUnclaimed), 0);
  ASSERT_TRUE(AwaitFewerThan(of_witness));
  EXPECT_EQ(Segments(kUnclaimed), segments);
}

TEST_F(UnclaimedTest, DropOldestTakesNothingOfWhatNobodyAssigns) {
  const std::size_t segments = Segments(kUnclaimed);
  const std::size_t of_witness = Segments(kWitness);
  sc_pb::TopicPolicy policy;
  policy.set_on_full(sc_pb::ON_FULL_DROP_OLDEST);
  GiveBothAPolicyAndAbandonOne(policy);
  EXPECT_EQ(PlannedOf(kUnclaimed), 0);
  auto filler = support::ForeignFiller::Create(rig_.path(0));
  ASSERT_OK(filler);
  const monitor::Marks marks = rig_.Of<monitor::Marks>(0, [](Volume& v) { return v.marks(); });
  ASSERT_OK((*filler)->FillUntilLeft(marks.resume_bytes + marks.step_bytes));
  ASSERT_TRUE(AwaitFewerThan(of_witness));
  EXPECT_EQ(Segments(kUnclaimed), segments);
}

}  // namespace
}  // namespace tidemark::spu
