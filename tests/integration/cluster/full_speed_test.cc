// Sixteen writers at full speed until the volume is full, alone and beside a neighbour who takes
// what he can get: our own writes end in typed refusals, and nothing acknowledged is lost.
#include <algorithm>
#include <atomic>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/mutex.h"
#include "cli/client/controller_client.h"
#include "cli/client/producer.h"
#include "tests/integration/cluster/cluster_fixture.h"
#include "tests/support/http_fetch.h"

namespace tidemark::story {
namespace {

constexpr std::int64_t kLargeVolumeBytes = 256 * base::kMiB;
// Of a neighbour, from the start: what is left is filled in seconds also by a sanitized build.
constexpr std::int64_t kOtherBytes = 140 * base::kMiB;
constexpr std::size_t kWriters = 16;

class FullSpeedTest : public ClusterTest {
 protected:
  // Sixteen steps at a time are eight times what lies below the full mark: only the ledger of what
  // was promised keeps them from taking all there is.
  StageOptions Options() const override {
    return {.volume_bytes = kLargeVolumeBytes,
            .settings =
                "step = \"2MiB\"\nfull = \"4MiB\"\nresume = \"12MiB\"\n"
                "low = \"20MiB\"\n"};
  }

  void SetUp() override {
    ClusterTest::SetUp();
    if (stage_ == nullptr || HasFatalFailure()) return;
    for (const auto& neighbour : stage_->neighbours) ASSERT_OK(neighbour->Take(kOtherBytes));
    ASSERT_TRUE(AwaitNeighboursSeen());
    ASSERT_OK(stage_->Type({"topic", "create", "flood", "--partitions", "32"}));
    ASSERT_OK_AND_ASSIGN(const auto partitions, stage_->Partitions());
    std::string full_volume;
    for (const auto& partition : partitions) {
      if (stage_->full_partitions.contains(partition.id())) full_volume = partition.volume();
    }
    for (const auto& partition : partitions) {
      if (partition.topic() != "flood" || partition.volume() != full_volume) continue;
      if (flooded_.size() < kWriters) flooded_.insert(partition.id());
    }
    ASSERT_EQ(flooded_.size(), kWriters) << "placement is not even";
    ASSERT_OK(stage_->WaitForStatus(flooded_, sc::v1::PARTITION_STATUS_ONLINE, true));
  }

  // Where new partitions go depends on what the SC knows to be free.
  testing::AssertionResult AwaitNeighboursSeen() const {
    return support::WaitFor(
        [&] {
          const auto spus = client::ControllerClient(stage_->controller()).ListSpus();
          return spus.ok() && spus->spus_size() == 1 &&
                 std::ranges::all_of(spus->spus(0).volumes(), [](const auto& volume) {
                   const std::int64_t available = volume.reading().available_bytes();
                   return !volume.holds().has_blind() && available > 0 &&
                          available < kLargeVolumeBytes - kOtherBytes;
                 });
        },
        support::kLongWait, "the SC to know what the neighbours took");
  }

  // On a machine that is busy elsewhere a reading may come too late, and the agent rightly stops
  // until it sees again. One of the writers asks, the others wait for his answer.
  testing::AssertionResult AwaitSight() {
    base::MutexLock lock(sight_mutex_);
    return support::WaitFor(
        [&] {
          const auto volume = stage_->FullVolume();
          return volume.ok() && !volume->holds().has_blind();
        },
        support::kLongWait, "the volume to be seen again");
  }

  // Appends to one partition until it is refused for space; that the agent is blind for a while is
  // no end, anything else is kept as a failure.
  void WriteUntilRefused(std::uint64_t partition) {
    std::atomic<bool> refused = false;
    std::atomic<bool> blind = false;
    absl::Status failure;
    const auto on_outcome = [&](const client::Outcome& outcome) {
      stage_->ledger.Take(outcome);
      if (outcome.status.ok()) return;
      const auto reason =
          outcome.refusal ? outcome.refusal->reason() : log::v1::REFUSAL_REASON_UNSPECIFIED;
      if (reason == log::v1::REFUSAL_REASON_VOLUME_BLIND) {
        ++blind_refusals_;
        blind = true;
        return;
      }
      if (reason != log::v1::REFUSAL_REASON_OUT_OF_SPACE && failure.ok()) failure = outcome.status;
      refused = true;
    };
    auto producer = client::Producer::Connect(stage_->agent(), {}, {on_outcome, {}});
    ASSERT_OK(producer);
    while (!refused) {
      if (blind.exchange(false)) {
        ASSERT_TRUE(AwaitSight());
      }
      const std::uint64_t tag = stage_->ledger.NextTag();
      const std::string value = stage_->ledger.ValueOf(partition, tag);
      ASSERT_OK((*producer)->Append(partition, {.value = value}, tag));
    }
    EXPECT_OK((*producer)->Flush(support::kLongWait));
    EXPECT_OK(failure);
  }

  void Flood() {
    std::vector<std::thread> writers;
    for (const std::uint64_t partition : flooded_) {
      writers.emplace_back([this, partition] { WriteUntilRefused(partition); });
    }
    for (std::thread& writer : writers) writer.join();
    EXPECT_OK(stage_->WaitForStatus(flooded_, sc::v1::PARTITION_STATUS_OUT_OF_SPACE, true));
  }

  void ReadAllBack() {
    for (const std::uint64_t id : flooded_) {
      EXPECT_OK(stage_->ledger.ReadAll(stage_->agent(), id));
    }
    std::printf("%lld records (%s) acknowledged and read back, %d batches refused blind\n",
                static_cast<long long>(stage_->ledger.acknowledged()),
                base::FormatByteSize(stage_->ledger.acknowledged_bytes()).c_str(),
                blind_refusals_.load());
  }

  // Of both volumes, as a scrape sees it; empty if the agent exports no such number.
  std::vector<std::string> NoSpaceErrors(const std::string& at) {
    std::vector<std::string> values;
    const auto ports = stage_->spu->WaitForPorts();
    EXPECT_OK(ports);
    if (!ports.ok()) return values;
    std::istringstream lines(support::HttpFetch(ports->at("http"), "/metrics").body);
    const std::string name = "tidemark_no_space_errors_total{at=\"" + at + "\"";
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name)) values.push_back(line.substr(line.rfind(' ') + 1));
    }
    return values;
  }
  void ExpectNoEnospcCounted() {
    const std::vector<std::string> none = {"0", "0"};
    EXPECT_EQ(NoSpaceErrors("allocation"), none);
    EXPECT_EQ(NoSpaceErrors("write"), none);
  }

  bool LogHas(const std::string& text) const {
    return stage_->spu->Log().find(text) != std::string::npos;
  }

  std::set<std::uint64_t> flooded_;
  std::atomic<int> blind_refusals_ = 0;
  base::Mutex sight_mutex_;
};

TEST_F(FullSpeedTest, SixteenWritersEndInTypedRefusalsAndMeetNoEnospc) {
  if (stage_ == nullptr) return;
  Flood();
  EXPECT_FALSE(LogHas("ENOSPC")) << stage_->spu->LogTail();
  EXPECT_FALSE(LogHas("No space left")) << stage_->spu->LogTail();
  ExpectNoEnospcCounted();
  EXPECT_GT(stage_->ledger.acknowledged_bytes(), 20 * base::kMiB);
  ReadAllBack();
}

// All of them want their first step in the same moment, and there is room for a few. No reading can
// tell so in time: only what was promised and is not seen yet keeps the others from the disk.
TEST_F(FullSpeedTest, SixteenFirstStepsAtOnceGetNoMoreThanThereIs) {
  if (stage_ == nullptr) return;
  constexpr std::int64_t kLeftBytes = 14 * base::kMiB;  // full mark 4 MiB, step 2 MiB
  ASSERT_OK(stage_->neighbour->FillUntilLeft(kLeftBytes));
  ASSERT_TRUE(support::WaitFor(
      [&] {
        const auto volume = stage_->FullVolume();
        return volume.ok() && volume->accepting() &&
               volume->reading().available_bytes() <= kLeftBytes;
      },
      support::kLongWait, "a reading that shows how little is left, and an open gate"));
  std::atomic<int> refused = 0;
  const auto on_outcome = [&](const client::Outcome& outcome) {
    stage_->ledger.Take(outcome);
    if (!outcome.status.ok()) ++refused;
  };
  auto producer = client::Producer::Connect(stage_->agent(), {}, {on_outcome, {}});
  ASSERT_OK(producer);
  for (const std::uint64_t partition : flooded_) {
    const std::uint64_t tag = stage_->ledger.NextTag();
    const std::string value = stage_->ledger.ValueOf(partition, tag);
    ASSERT_OK((*producer)->Append(partition, {.value = value}, tag));
  }
  EXPECT_OK((*producer)->Flush(support::kLongWait));
  // All of them, where the gate closed while the steps that were granted were under way.
  EXPECT_GT(refused, 0);
  EXPECT_FALSE(LogHas("ENOSPC")) << stage_->spu->LogTail();
  ExpectNoEnospcCounted();
  ReadAllBack();
}

// What he takes between two readings an allocation of ours may miss, never a write into a step:
// that would be a device fault, and the end of the volume.
TEST_F(FullSpeedTest, ANeighbourAtDeviceSpeedCostsRefusalsAndNothingElse) {
  if (stage_ == nullptr) return;
  const std::int64_t before = stage_->ledger.acknowledged();
  std::thread flood([this] { Flood(); });
  // He begins when the writers are at full speed.
  const auto under_way =
      support::WaitFor([&] { return stage_->ledger.acknowledged() > before + 4000; },
                       support::kLongWait, "the writers to be under way");
  const absl::Status grabbing = stage_->grabber->StartGrabbing();
  flood.join();
  ASSERT_TRUE(under_way);
  ASSERT_OK(grabbing);
  EXPECT_FALSE(LogHas("\"meaning\":\"device\"")) << stage_->spu->LogTail();
  EXPECT_EQ(NoSpaceErrors("write"), (std::vector<std::string>{"0", "0"}));
  ReadAllBack();
  ASSERT_OK(stage_->grabber->StopGrabbing());
  ASSERT_OK(stage_->grabber->Free());
  for (const auto& neighbour : stage_->neighbours) ASSERT_OK(neighbour->Free());
  EXPECT_OK(stage_->WaitForStatus(flooded_, sc::v1::PARTITION_STATUS_ONLINE, true));
}

}  // namespace
}  // namespace tidemark::story
