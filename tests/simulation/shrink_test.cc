#include "tests/simulation/shrink.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tidemark::simulation {
namespace {

Plan PlanOf(std::size_t faults) {
  Plan plan;
  for (std::size_t i = 0; i < faults; ++i) plan.faults.push_back(Fault{.amount = i});
  return plan;
}

std::set<std::uint64_t> Amounts(const Plan& plan) {
  std::set<std::uint64_t> amounts;
  for (const Fault& fault : plan.faults) amounts.insert(fault.amount);
  return amounts;
}

TEST(ShrinkTest, KeepsOnlyTheFaultsThatAreNeededTogether) {
  const auto fails = [](const Plan& plan) {
    const auto amounts = Amounts(plan);
    return amounts.contains(3) && amounts.contains(17) && amounts.contains(18);
  };
  EXPECT_EQ(Amounts(Shrink(PlanOf(40), fails)), (std::set<std::uint64_t>{3, 17, 18}));
}

TEST(ShrinkTest, AFailureThatNeedsNoFaultLosesAllOfThem) {
  EXPECT_TRUE(Shrink(PlanOf(9), [](const Plan&) { return true; }).faults.empty());
}

// A fault and the one that undoes it: neither can go alone.
TEST(ShrinkTest, DropsTwoThatStandAndFallTogether) {
  const auto fails = [](const Plan& plan) {
    const auto amounts = Amounts(plan);
    return amounts.contains(4) && amounts.contains(1) == amounts.contains(8);
  };
  EXPECT_EQ(Amounts(Shrink(PlanOf(10), fails)), (std::set<std::uint64_t>{4}));
}

TEST(ShrinkTest, AFailureThatNeedsAllOfThemLosesNone) {
  EXPECT_EQ(
      Shrink(PlanOf(5), [](const Plan& plan) { return plan.faults.size() == 5; }).faults.size(),
      5U);
}

}  // namespace
}  // namespace tidemark::simulation
