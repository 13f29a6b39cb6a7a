// The shortest traces to a false Online that the model finds in Fluvio (tests/model/fluvio.pml;
// `tests/model/check --museum` prints them), replayed step by step against our SC and SPU.
//
// Each row is a step as the model tells it, what ours do at that step, and what the SC shows then.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/sc/core/link_simulator.h"

namespace tidemark::sc {
namespace {

constexpr int kFull = 0;  // its disk is full from the first step on

constexpr auto kOnline = v1::PARTITION_STATUS_ONLINE;
constexpr auto kOutOfSpace = v1::PARTITION_STATUS_OUT_OF_SPACE;
constexpr auto kOffline = v1::PARTITION_STATUS_OFFLINE;  // nothing was ever reported
constexpr auto kLeaderOffline = v1::PARTITION_STATUS_LEADER_OFFLINE;

class MuseumTest : public testing::Test {
 public:
  struct Step {
    const char* theirs;
    void (MuseumTest::*ours)();
    v1::PartitionStatus shown;
    bool reachable;
  };

  void Replay(const std::vector<Step>& steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      SCOPED_TRACE(std::to_string(i + 1) + " " + steps[i].theirs);
      (this->*steps[i].ours)();
      EXPECT_EQ(v1::PartitionStatus_Name(simulator_.Status(kFull)),
                v1::PartitionStatus_Name(steps[i].shown));
      EXPECT_EQ(simulator_.Verdict(kFull).reachable, steps[i].reachable);
    }
    // And from there on nothing but time passes.
    simulator_.ForgetShown();
    simulator_.Settle(std::chrono::seconds(30));
    EXPECT_EQ(simulator_.Status(kFull), kOutOfSpace);
    EXPECT_TRUE(simulator_.Verdict(kFull).reachable);
    EXPECT_FALSE(simulator_.EverShown(kFull, kOnline));
    EXPECT_FALSE(simulator_.EverShown(kFull, kLeaderOffline));
    EXPECT_TRUE(simulator_.checker().violations().empty())
        << simulator_.checker().violations().front();
  }

  // The SPU does not know yet.
  void DiskRunsFull() {}
  void SpuConnects() {
    const std::size_t sent = simulator_.sent().size();
    while (simulator_.sent().size() == sent) {
      simulator_.Advance(std::chrono::milliseconds(50));
      simulator_.Tick();
    }
    EXPECT_TRUE(simulator_.sent().back().has_hello());
  }
  void ControllerRegisters() {
    ASSERT_TRUE(simulator_.DeliverToController()) << "the Hello";
    while (simulator_.Commit()) {
    }
  }
  // Theirs calls it Online for that. Ours has heard nothing yet.
  void ControllerSeesItIsBack() {}
  // The SPU is welcomed, and reports both volumes as its records say: the disk was not full when
  // they were written.
  void SpuOpensReplica() {
    while (simulator_.DeliverToSpu()) {
    }
  }
  // Ours does not wait for a write: its record is durable before anybody is told.
  void WriteMeetsEnospc() {
    simulator_.Do(simulator_.spu().OutOfSpace(simulator_.volume(kFull), simulator_.now()));
  }
  void SpuSendsReplicaStatus() { SendProgress(); }
  void FollowersOffsetMoves() { SendProgress(); }
  void SpuSendsOutOfStorage() {
    const bool reported = std::any_of(
        simulator_.sent().begin(), simulator_.sent().end(), [&](const v1::AttachRequest& request) {
          return request.has_report() && request.report().holds().has_space() &&
                 request.report().volume() == simulator_.volume(kFull).ToBytes();
        });
    EXPECT_TRUE(reported);
  }
  void ControllerReads() {
    while (simulator_.DeliverToController()) {
    }
    while (simulator_.Commit()) {
    }
  }
  void ConnectionDrops() { simulator_.DropConnection(); }
  void ControllerSeesTheEnd() { simulator_.SeeEnd(); }
  // Theirs overwrites OutOfStorage here. Of ours only the reach changed, one step before.
  void ControllerSeesItIsGone() {}

  LinkSimulator simulator_{4528};

 private:
  void SendProgress() {
    v1::PartitionProgress progress;
    progress.set_partition_id(1);
    progress.set_durable_end(++end_);
    simulator_.spu().link().SetProgress({progress});
    simulator_.Advance(std::chrono::milliseconds(250));
    simulator_.Tick();
  }
  std::int64_t end_ = 1000;
};

using T = MuseumTest;

TEST_F(MuseumTest, BeforeItsCureTheConnectionDropsBehindTheReport) {
  Replay({
      {"world: the disk runs full", &T::DiskRunsFull, kOffline, false},
      {"SPU: connects and registers", &T::SpuConnects, kOffline, false},
      {"SC: registers the SPU, health on", &T::ControllerRegisters, kOffline, false},
      {"SC: the SPU is back: resolution becomes Online", &T::ControllerSeesItIsBack, kOffline,
       false},
      {"SPU: opens the replica, a replica status waits", &T::SpuOpensReplica, kOffline, false},
      {"SPU: a write meets ENOSPC: short circuit, 'out of storage' waits", &T::WriteMeetsEnospc,
       kOffline, false},
      {"SPU: sends 'out of storage'", &T::SpuSendsOutOfStorage, kOffline, false},
      {"world: the connection drops", &T::ConnectionDrops, kOffline, false},
      {"SC: resolution becomes OutOfStorage", &T::ControllerReads, kOutOfSpace, true},
      {"SC: end of the stream, health off", &T::ControllerSeesTheEnd, kOutOfSpace, false},
      {"SC: the SPU is gone: resolution becomes LeaderOffline", &T::ControllerSeesItIsGone,
       kOutOfSpace, false},
      {"SPU: connects and registers", &T::SpuConnects, kOutOfSpace, false},
      {"SC: registers the SPU, health on", &T::ControllerRegisters, kOutOfSpace, false},
      {"SC: the SPU is back: resolution becomes Online", &T::ControllerSeesItIsBack, kOutOfSpace,
       false},
  });
}

TEST_F(MuseumTest, BeforeAndAfterItsCureAReplicaStatusFollowsTheReport) {
  Replay({
      {"world: the disk runs full", &T::DiskRunsFull, kOffline, false},
      {"SPU: connects and registers", &T::SpuConnects, kOffline, false},
      {"SC: registers the SPU, health on", &T::ControllerRegisters, kOffline, false},
      {"SPU: opens the replica, a replica status waits", &T::SpuOpensReplica, kOffline, false},
      {"SPU: a write meets ENOSPC: short circuit, 'out of storage' waits", &T::WriteMeetsEnospc,
       kOffline, false},
      {"SPU: sends the replica status", &T::SpuSendsReplicaStatus, kOffline, false},
      {"SC: a replica status: resolution becomes Online", &T::ControllerReads, kOutOfSpace, true},
      {"SPU: sends 'out of storage'", &T::SpuSendsOutOfStorage, kOutOfSpace, true},
      {"SC: resolution becomes OutOfStorage", &T::ControllerReads, kOutOfSpace, true},
      {"SPU: a follower's offset moves, a replica status waits", &T::FollowersOffsetMoves,
       kOutOfSpace, true},
      {"SPU: sends the replica status", &T::SpuSendsReplicaStatus, kOutOfSpace, true},
      {"SC: a replica status: resolution becomes Online", &T::ControllerReads, kOutOfSpace, true},
  });
  EXPECT_EQ(simulator_.core().spus().at("spu-a").progress.at(base::PartitionId(1)).durable_end(),
            1003)
      << "the replica statuses were heard";
}

TEST_F(MuseumTest, AfterItsCureADeadLeaderIsShownAsReadable) {
  Replay({
      {"world: the disk runs full", &T::DiskRunsFull, kOffline, false},
      {"SPU: connects and registers", &T::SpuConnects, kOffline, false},
      {"SC: registers the SPU, health on", &T::ControllerRegisters, kOffline, false},
      {"SC: the SPU is back: resolution becomes Online", &T::ControllerSeesItIsBack, kOffline,
       false},
      {"SPU: opens the replica, a replica status waits", &T::SpuOpensReplica, kOffline, false},
      {"SPU: a write meets ENOSPC: short circuit, 'out of storage' waits", &T::WriteMeetsEnospc,
       kOffline, false},
      {"SPU: sends 'out of storage'", &T::SpuSendsOutOfStorage, kOffline, false},
      {"world: the connection drops", &T::ConnectionDrops, kOffline, false},
      {"SC: resolution becomes OutOfStorage", &T::ControllerReads, kOutOfSpace, true},
      {"SC: end of the stream, health off", &T::ControllerSeesTheEnd, kOutOfSpace, false},
      {"SC: the SPU is gone: resolution stays", &T::ControllerSeesItIsGone, kOutOfSpace, false},
  });
}

}  // namespace
}  // namespace tidemark::sc
