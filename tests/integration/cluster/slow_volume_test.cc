// An agent of two volumes comes back, and one of them opens slowly: what the other keeps is Online
// meanwhile, and what is gone from it never is. A real agent and a real controller, in one process
// so that one disk can be made to hang.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "cli/client/controller_client.h"
#include "monitor/volume_format.h"
#include "spu/spu_process.h"
#include "storage/fs/posix_file_system.h"
#include "tests/integration/story/status_watcher.h"
#include "tests/support/await.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/loop_thread.h"
#include "tests/support/sc/sc_rig.h"
#include "tests/support/small_volume.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::story {
namespace {

using support::kLongWait;
using support::Operation;
using support::WaitFor;

constexpr int kPartitions = 4;

class SlowVolumeClusterTest : public testing::TestWithParam<Operation> {
 protected:
  void SetUp() override {
    for (auto& volume : small_) {
      auto small = support::SmallVolume::Create(
          {.kind = support::SmallVolume::Kind::kTmpfs, .size_bytes = 64 * base::kMiB});
      if (!small.ok()) GTEST_SKIP() << small.status().message();
      volume = *std::move(small);
      ASSERT_OK(monitor::FormatVolume(posix_, volume->path(), {}, clock_));
    }
    sc_.emplace(support::ScRig::Options(home_.File("sc")));
    admin_.emplace(sc_->grpc_target(), kLongWait);
    StartAgent();
    ASSERT_TRUE(WaitFor([&] { return VolumesUp() == 2; }, kLongWait, "both volumes"));
    ASSERT_OK(Create());
    ASSERT_OK_AND_ASSIGN(const auto listed, admin_->ListPartitions("orders"));
    for (const auto& partition : listed.partitions()) {
      on_[partition.volume()].insert(partition.id());
    }
    ASSERT_EQ(on_.size(), 2U);
    ASSERT_TRUE(Become(All(), sc::v1::PARTITION_STATUS_ONLINE));
  }
  void TearDown() override {
    disk_.Clear();
    StopAgent();
  }

  absl::Status Create() {
    sc::v1::CreateTopicRequest request;
    request.set_name("orders");
    request.set_partitions(kPartitions);
    return admin_->CreateTopic(request).status();
  }
  int VolumesUp() {
    const auto spus = admin_->ListSpus();
    int up = 0;
    if (!spus.ok()) return up;
    for (const auto& spu : spus->spus()) {
      for (const auto& volume : spu.volumes()) up += volume.reach() == sc::v1::REACH_UP ? 1 : 0;
    }
    return up;
  }
  void StartAgent() {
    spu::SpuOptions options;
    options.id = "spu-a";
    options.state_directory = home_.File("spu");
    options.sc = sc_->grpc_target();
    options.daemon.grpc_listen = {"127.0.0.1", 0};
    options.daemon.http_listen = {"127.0.0.1", 0};
    options.daemon.drain_grace = std::chrono::seconds(1);
    options.daemon.loop_limit = std::chrono::seconds(30);
    for (const auto& volume : small_) {
      options.volumes.push_back({.path = volume->path(), .marks = {}});
    }
    options.batch_bytes_max = base::kMiB;
    options.commit_queue_bytes_max = 64 * base::kMiB;
    options.reading_deadline = std::chrono::seconds(1);
    options.settle = std::chrono::milliseconds(30);
    options.retention_interval = std::chrono::seconds(10);
    loop_ = std::make_unique<support::LoopThread>();
    loop_->Run([&] {
      auto started = spu::SpuProcess::Start(**loop_, clock_, disk_, options, [](int) {});
      ASSERT_OK(started);
      agent_ = *std::move(started);
    });
  }
  void StopAgent() {
    if (agent_ == nullptr) return;
    std::promise<void> stopped;
    loop_->Run([&] { agent_->Stop([&] { stopped.set_value(); }); });
    stopped.get_future().wait();
    loop_->Run([&] { agent_.reset(); });
  }

  std::set<std::uint64_t> All() const {
    std::set<std::uint64_t> all;
    for (const auto& [volume, ids] : on_) all.insert(ids.begin(), ids.end());
    return all;
  }
  std::set<std::uint64_t> On(std::size_t volume) {
    std::string uuid;
    loop_->Run([&] { uuid = agent_->volumes().all()[volume]->uuid().ToString(); });
    return on_.at(uuid);
  }
  bool Started(std::size_t volume) {
    bool started = false;
    loop_->Run([&] { started = agent_->volumes().all()[volume]->started(); });
    return started;
  }
  testing::AssertionResult Become(const std::set<std::uint64_t>& ids,
                                  sc::v1::PartitionStatus status) {
    return WaitFor(
        [&] {
          const auto listed = admin_->ListPartitions("orders");
          if (!listed.ok()) return false;
          return std::ranges::all_of(listed->partitions(), [&](const auto& partition) {
            return !ids.contains(partition.id()) || partition.status() == status;
          });
        },
        kLongWait, sc::v1::PartitionStatus_Name(status));
  }

  base::SystemClock clock_;
  storage::PosixFileSystem posix_;
  support::FaultyFileSystem disk_{posix_};
  support::TempDirectory home_;
  std::array<std::unique_ptr<support::SmallVolume>, 2> small_;
  std::optional<support::ScRig> sc_;
  std::optional<client::ControllerClient> admin_;
  std::map<std::string, std::set<std::uint64_t>> on_;  // by volume
  std::unique_ptr<support::LoopThread> loop_;
  std::unique_ptr<spu::SpuProcess> agent_;
};

TEST_P(SlowVolumeClusterTest, WhatIsGoneIsNeverOnlineAndWhatIsThereDoesNotWait) {
  std::set<std::uint64_t> there = On(0);
  const std::set<std::uint64_t> slow = On(1);
  const std::uint64_t gone = *there.begin();
  there.erase(gone);
  ASSERT_FALSE(there.empty());
  StopAgent();
  ASSERT_TRUE(Become(All(), sc::v1::PARTITION_STATUS_LEADER_OFFLINE));
  std::filesystem::remove_all(
      storage::PartitionPath(small_[0]->path() + "/partitions", base::PartitionId(gone)));
  disk_.Add({.operation = GetParam(),
             .path_contains = small_[1]->path() + "/partitions",
             .when = support::FaultRule::When::kFrom,
             .hang = true});
  const StatusWatcher watcher(sc_->grpc_target(), std::chrono::milliseconds(1));
  ASSERT_TRUE(
      WaitFor([&] { return watcher.CaughtUp(All(), sc::v1::PARTITION_STATUS_LEADER_OFFLINE); },
              kLongWait, "the watcher"));
  StartAgent();

  EXPECT_TRUE(Become(there, sc::v1::PARTITION_STATUS_ONLINE));
  EXPECT_FALSE(Started(1)) << "the other volume still opens";
  EXPECT_FALSE(watcher.Saw(slow, sc::v1::PARTITION_STATUS_ONLINE));
  disk_.Clear();
  EXPECT_TRUE(Become(slow, sc::v1::PARTITION_STATUS_ONLINE));
  EXPECT_TRUE(Become({gone}, sc::v1::PARTITION_STATUS_FAILED));
  ASSERT_TRUE(WaitFor([&] { return watcher.CaughtUp({gone}, sc::v1::PARTITION_STATUS_FAILED); },
                      kLongWait, "the watcher"));
  EXPECT_FALSE(watcher.Saw({gone}, sc::v1::PARTITION_STATUS_ONLINE));
}

INSTANTIATE_TEST_SUITE_P(Hangs, SlowVolumeClusterTest,
                         testing::Values(Operation::kList, Operation::kOpen), [](const auto& hang) {
                           return hang.param == Operation::kList ? "AtItsFirstLook"
                                                                 : "AtItsPartitions";
                         });

}  // namespace
}  // namespace tidemark::story
