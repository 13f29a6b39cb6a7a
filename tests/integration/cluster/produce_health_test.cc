// A full disk is no reason to restart or to leave alone a daemon: only its Produce service says no,
// and only while no partition there may be written.
#include <gmock/gmock.h>

#include "absl/strings/str_format.h"
#include "cli/client/health_probe.h"
#include "tests/integration/cluster/cluster_fixture.h"
#include "tests/support/http_fetch.h"

namespace tidemark::story {
namespace {

using client::HealthAnswer;

constexpr char kProduce[] = "tidemark.log.v1.ProduceService";

class ProduceHealthTest : public ClusterTest {
 protected:
  client::HealthProbe Ask(const std::string& service) const {
    return client::ProbeHealth(stage_->agent(), service, support::kLongWait, support::kLongWait);
  }
  testing::AssertionResult AwaitProduce(HealthAnswer wanted) const {
    return support::WaitFor(
        [&] { return Ask(kProduce).answer == wanted; }, support::kLongWait,
        wanted == HealthAnswer::kServing ? "Produce to be SERVING" : "Produce to be NOT_SERVING");
  }

  // Everything else a probe may ask.
  void ExpectTheRestServes() {
    for (const char* service :
         {"", "liveness", "readiness", "startup", "tidemark.log.v1.ConsumeService"}) {
      EXPECT_TRUE(support::WaitFor([&] { return Ask(service).answer == HealthAnswer::kServing; },
                                   support::kLongWait,
                                   absl::StrFormat("'%s' to be SERVING", service)));
    }
    ASSERT_OK_AND_ASSIGN(const auto ports, stage_->spu->WaitForPorts());
    for (const char* path : {"/livez", "/readyz", "/startupz"}) {
      support::HttpReply reply;
      EXPECT_TRUE(support::WaitFor(
          [&] { return (reply = support::HttpFetch(ports.at("http"), path)).status == 200; },
          support::kLongWait, absl::StrFormat("%s to be 200", path)))
          << reply.body;
    }
  }
};

TEST_F(ProduceHealthTest, IsNotServingWhileEveryVolumeIsFullAndTheRestServes) {
  if (stage_ == nullptr) return;
  ASSERT_TRUE(AwaitProduce(HealthAnswer::kServing));

  ASSERT_OK(stage_->neighbour->FillCompletely());
  ASSERT_OK(
      stage_->WaitForStatus(stage_->full_partitions, sc::v1::PARTITION_STATUS_OUT_OF_SPACE, true));
  // The other volume takes appends: nobody has to go elsewhere.
  EXPECT_TRUE(AwaitProduce(HealthAnswer::kServing));
  ExpectTheRestServes();

  for (const auto& neighbour : stage_->neighbours) ASSERT_OK(neighbour->FillCompletely());
  ASSERT_OK(stage_->WaitForStatus(partitions_, sc::v1::PARTITION_STATUS_OUT_OF_SPACE, true));
  EXPECT_TRUE(AwaitProduce(HealthAnswer::kNotServing));
  ExpectTheRestServes();
  for (const std::uint64_t id : partitions_) {
    EXPECT_OK(stage_->ledger.ReadAll(stage_->agent(), id)) << "consumers are served";
  }

  // One volume is enough.
  ASSERT_OK(stage_->neighbour->Free());
  EXPECT_TRUE(AwaitProduce(HealthAnswer::kServing));
  EXPECT_TRUE(stage_->spu->running());
}

}  // namespace
}  // namespace tidemark::story
