// ENOSPC is counted where it is met, by what met it: the number on which "our own writes never meet
// it" is held.
#include <gtest/gtest.h>

#include <cerrno>

#include "absl/strings/str_format.h"
#include "spu/spu_metrics.h"
#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

using support::FaultRule;
using support::Operation;

class NoSpaceErrorsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
    ASSERT_OK(rig_.Open());
    ASSERT_TRUE(rig_.AwaitAccepting(true));
    ASSERT_TRUE(rig_.Assign(kPartition).ok());
  }

  NoSpaceErrors errors() {
    return rig_.OnLoop<NoSpaceErrors>([](Volume& volume) { return volume.no_space_errors(); });
  }
  // What a scrape would see: "0", or "none" if the metric is not there.
  std::string Scraped(const std::string& at) {
    const std::string text = rig_.OnLoop<std::string>([this](Volume& volume) {
      metrics_.OnVolume(volume);
      return registry_.Text();
    });
    const std::string name = absl::StrFormat(
        "tidemark_no_space_errors_total{at=\"%s\",volume=\"%s\"} ", at, rig_.path());
    const std::size_t begin = text.find(name);
    if (begin == std::string::npos) return "none";
    const std::size_t value = begin + name.size();
    return text.substr(value, text.find('\n', value) - value);
  }

  VolumeRig rig_;
  daemon::MetricRegistry registry_;
  SpuMetrics metrics_{registry_};
};

TEST_F(NoSpaceErrorsTest, AVolumeThatFillsUpMeetsNone) {
  rig_.Fill(kPartition);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  EXPECT_EQ(errors().allocations, 0);
  EXPECT_EQ(errors().writes, 0);
  EXPECT_EQ(Scraped("allocation"), "0");
  EXPECT_EQ(Scraped("write"), "0");
}

TEST_F(NoSpaceErrorsTest, OneAllocationThatMeetsItCountsOnce) {
  for (const int error_number : {ENOSPC, EDQUOT}) {
    const std::int64_t before = errors().allocations;
    rig_.disk().Add({.operation = Operation::kAllocate,
                     .path_contains = ".log",
                     .when = FaultRule::When::kOnly,
                     .error_number = error_number});
    const std::uint64_t id = kPartition + static_cast<std::uint64_t>(before) + 1;
    ASSERT_TRUE(rig_.Assign(id).ok());
    EXPECT_TRUE(rig_.Append(id, {}).refusal.has_value());
    EXPECT_EQ(errors().allocations, before + 1);
    EXPECT_EQ(errors().writes, 0);
    ASSERT_TRUE(rig_.AwaitAccepting(true));  // by a proof: the disk has room all the time
    rig_.disk().Clear();
  }
  EXPECT_EQ(Scraped("allocation"), "2");
  // A second scrape counts nothing again.
  EXPECT_EQ(Scraped("allocation"), "2");
  EXPECT_EQ(Scraped("write"), "0");
}

TEST_F(NoSpaceErrorsTest, AWriteThatMeetsItCountsAsAWrite) {
  ASSERT_FALSE(rig_.Append(kPartition, {}).refusal.has_value());
  rig_.disk().Add({.operation = Operation::kWriteAt,
                   .path_contains = ".log",
                   .when = FaultRule::When::kOnly,
                   .error_number = ENOSPC});
  EXPECT_TRUE(rig_.Append(kPartition, {}).refusal.has_value());
  EXPECT_EQ(errors().writes, 1);
  EXPECT_EQ(errors().allocations, 0);
  EXPECT_EQ(Scraped("write"), "1");
}

TEST_F(NoSpaceErrorsTest, AnotherErrorCountsAsNeither) {
  rig_.disk().Add({.operation = Operation::kAllocate,
                   .path_contains = ".log",
                   .when = FaultRule::When::kOnly,
                   .error_number = EIO});
  EXPECT_TRUE(rig_.Append(kPartition, {}).refusal.has_value());
  EXPECT_EQ(errors().allocations, 0);
  EXPECT_EQ(errors().writes, 0);
}

}  // namespace
}  // namespace tidemark::spu
