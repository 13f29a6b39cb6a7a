// What people ask of the controller: topics, partitions, SPUs, and watching all that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <future>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "sc/controller.h"
#include "sc/store/sqlite_store.h"
#include "tests/sc/controller_fixture.h"
#include "tests/support/http_fetch.h"
#include "tests/support/sc/faulty_store.h"

namespace tidemark::sc {
namespace {

using support::FakeSpu;
using support::kLongWait;
using support::ScRig;
using support::StatusIs;
using support::WaitFor;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Collects what a watch shows, on a thread of its own.
template <typename Response>
class WatchLog {
 public:
  // `watch(stop, on_response)` blocks until the watch ends.
  template <typename Watch>
  explicit WatchLog(Watch watch)
      : thread_([this, watch](const std::stop_token& stop) {
          const absl::Status status = watch(stop, [this](const Response& response) {
            base::MutexLock lock(mutex_);
            seen_.push_back(response);
            return true;
          });
          base::MutexLock lock(mutex_);
          ended_ = status;
        }) {}

  testing::AssertionResult Shows(const std::function<bool(const Response&)>& wanted,
                                 std::string_view what) {
    return WaitFor(
        [&] {
          base::MutexLock lock(mutex_);
          return std::any_of(seen_.begin(), seen_.end(), wanted);
        },
        kLongWait, what);
  }
  std::optional<absl::Status> ended() {
    base::MutexLock lock(mutex_);
    return ended_;
  }

 private:
  base::Mutex mutex_;
  std::vector<Response> seen_ TM_GUARDED_BY(mutex_);
  std::optional<absl::Status> ended_ TM_GUARDED_BY(mutex_);
  std::jthread thread_;
};

TEST_F(ControllerTest, ReplaceLetsAnotherUuidTakeOverTheId) {
  ScRig rig(ScRig::Options(data_));
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);
  FakeSpu other(rig.grpc_target(), "n1", {kOther});
  ASSERT_TRUE(other.Attach()->has_nack());
  EXPECT_THAT(admin.ReplaceSpu("nobody"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(admin.ReplaceSpu("n1"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("it is attached")));
  spu.Cut();
  absl::StatusOr<v1::ReplaceSpuResponse> replaced = absl::UnknownError("not asked");
  ASSERT_TRUE(WaitFor(
      [&] {
        replaced = admin.ReplaceSpu("n1");
        return replaced.ok();
      },
      kLongWait, "a replace, when the SC has seen the cut"));
  EXPECT_EQ(replaced->old_uuid(), spu.uuid.ToString());
  EXPECT_TRUE(Welcomed(other.Attach()));
}

TEST_F(ControllerTest, CreatesWhereThereIsRoomAndRefusesWithNumbersWhereThereIsNone) {
  ScRig rig(ScRig::Options(data_));
  Admin admin(rig.grpc_target());
  EXPECT_THAT(admin.Create("early", 1), StatusIs(absl::StatusCode::kFailedPrecondition));
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk, kOther});
  ASSERT_TRUE(Welcomed(spu.Attach()));
  ASSERT_TRUE(Acked(spu.Say(spu.Ready(kDisk, 1))));
  ASSERT_TRUE(Acked(spu.Say(spu.Full(kOther, 1, 1))));

  const auto created = admin.Create("orders", 60);
  ASSERT_OK(created);
  EXPECT_EQ(created->partitions_size(), 60);
  for (const auto& partition : created->partitions()) {
    EXPECT_EQ(partition.volume(), kDisk.ToString()) << "never on a volume with a hold";
  }
  EXPECT_THAT(admin.Create("more", 41),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("room for 40 of them"), HasSubstr("available 112.0 MiB"),
                             HasSubstr("full mark 12.0 MiB"), HasSubstr("promised 60 steps"))));
  EXPECT_OK(admin.Create("more", 40));
  EXPECT_THAT(admin.Create("orders", 1), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(admin.Create("../x", 1), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ControllerTest, AnAssignmentTheSpuRefusesIsOfflineWithItsReason) {
  ScRig rig(ScRig::Options(data_));
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  spu.refuse_assignments = true;
  ASSERT_TRUE(Welcomed(spu.Attach()));
  ASSERT_TRUE(Acked(spu.Say(spu.Ready(kDisk, 1))));
  ASSERT_OK(admin.Create("orders", 1));
  ASSERT_TRUE(WaitFor(
      [&] { return admin.Partition("orders").reason().find("4 MiB short") != std::string::npos; },
      kLongWait, "the refusal's reason"));
  EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_OFFLINE);
  EXPECT_EQ(admin.Partition("orders").assignment_refusal_reason(), v1::ASSIGNMENT_REFUSAL_NO_ROOM);
  const auto refusals = admin.Events("assignment.refused");
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].subject(), "orders/0");
  EXPECT_THAT(refusals[0].reason(), HasSubstr("4 MiB short"));
  EXPECT_EQ(admin.Partition("orders").since_unix_ms(), refusals[0].at_unix_ms());
  EXPECT_TRUE(WaitFor(
      [&] {
        const std::string metrics = support::HttpFetch(rig.http_port(), "/metrics").body;
        return metrics.find("tidemark_sc_assignment_refusals_total{reason=\"no room\"} 1") !=
               std::string::npos;
      },
      kLongWait, "the metric"));
  spu.refuse_assignments = false;
  EXPECT_TRUE(Becomes(admin, "orders", v1::PARTITION_STATUS_ONLINE)) << "it is sent again";
}

TEST_F(ControllerTest, ADeletedTopicIsShownUntilItsSpuHasDeletedIt) {
  ScRig rig(ScRig::Options(data_));
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);
  spu.Cut();
  const auto deleted = admin.DeleteTopic("orders");
  ASSERT_OK(deleted);
  EXPECT_EQ(deleted->partitions(), 1);
  EXPECT_EQ(admin.Partition("orders").id(), 0U);
  ASSERT_EQ(admin.Topics().size(), 1U);
  EXPECT_TRUE(admin.Topics()[0].deleting());
  ASSERT_TRUE(Welcomed(spu.Attach()));
  EXPECT_TRUE(WaitFor([&] { return admin.Topics().empty(); }, kLongWait, "the tombstone's ack"));
  EXPECT_THAT(admin.DeleteTopic("orders"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ControllerTest, LostDataIsForgottenWithItsPartition) {
  ScRig rig(ScRig::Options(data_));
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);
  const auto damaged = [&](std::uint64_t generation) {
    v1::Report report = spu.Ready(kDisk, generation);
    v1::LostData* lost = report.add_lost_data();
    lost->set_partition_id(1);
    lost->set_generation(1);
    lost->set_held(true);
    return report;
  };
  ASSERT_EQ(admin.Partition("orders").id(), 1U);
  ASSERT_TRUE(Acked(spu.Say(damaged(1))));
  EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_FAILED);
  EXPECT_TRUE(admin.Partition("orders").lost_data());
  ASSERT_EQ(admin.Events("volume.verdict").back().to(), "lost-data(orders/0)");
  EXPECT_EQ(admin.Events("volume.verdict").back().subject(), "n1:/disk1");

  ASSERT_OK(admin.DeleteTopic("orders"));
  ASSERT_TRUE(WaitFor([&] { return admin.Topics().empty(); }, kLongWait, "the tombstone's ack"));
  v1::Report held = damaged(2);
  held.mutable_holds()->add_held(space::v1::HOLD_KIND_OPERATOR);
  ASSERT_TRUE(Acked(spu.Say(held)));
  const v1::Event told = admin.Events("volume.verdict").back();
  EXPECT_EQ(told.from(), "ready");
  EXPECT_EQ(told.to(), "operator(: )");
}

TEST_F(ControllerTest, WatchesSeeEveryChangeThatStays) {
  ScRig rig(ScRig::Options(data_));
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);
  WatchLog<v1::WatchPartitionsResponse> partitions([&](const auto& stop, const auto& on_change) {
    return admin.WatchPartitions("", stop, on_change);
  });
  WatchLog<v1::WatchEventsResponse> events([&](const auto& stop, const auto& on_events) {
    return admin.WatchEvents(0, stop, on_events);
  });
  const auto shows = [&](v1::PartitionStatus status, bool reachable) {
    return partitions.Shows(
        [&](const v1::WatchPartitionsResponse& response) {
          return std::any_of(response.partitions().begin(), response.partitions().end(),
                             [&](const v1::Partition& partition) {
                               return partition.status() == status &&
                                      partition.reachable() == reachable;
                             });
        },
        v1::PartitionStatus_Name(status));
  };
  const auto tells = [&](const std::string& name) {
    return events.Shows(
        [&](const v1::WatchEventsResponse& response) {
          return std::any_of(response.events().begin(), response.events().end(),
                             [&](const v1::Event& event) { return event.name() == name; });
        },
        name);
  };
  EXPECT_TRUE(shows(v1::PARTITION_STATUS_ONLINE, true));
  EXPECT_TRUE(tells("topic.created")) << "from the history";
  ASSERT_TRUE(Acked(spu.Say(spu.Full(kDisk, 2, 1))));
  EXPECT_TRUE(shows(v1::PARTITION_STATUS_OUT_OF_SPACE, true));
  EXPECT_TRUE(tells("volume.out_of_space"));
  spu.Cut();
  EXPECT_TRUE(shows(v1::PARTITION_STATUS_OUT_OF_SPACE, false));
  ASSERT_OK(admin.DeleteTopic("orders"));
  EXPECT_TRUE(shows(v1::PARTITION_STATUS_UNSPECIFIED, false)) << "deleted";
  rig.Stop();
  ASSERT_TRUE(WaitFor([&] { return partitions.ended() && events.ended(); }, kLongWait, "the end"));
  EXPECT_THAT(*partitions.ended(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(*events.ended(), StatusIs(absl::StatusCode::kUnavailable));
}

// Events of the store, of the size of one.
StoreBatch History(std::uint64_t from, std::uint64_t to) {
  StoreBatch batch;
  for (std::uint64_t number = from; number <= to; ++number) {
    EventRecord& event = batch.events.emplace_back();
    event.set_number(number);
    event.set_name("volume.verdict");
  }
  return batch;
}

// Numbers in the order in which a watch told them.
class NumberLog {
 public:
  NumberLog(const Admin& admin, std::uint64_t after)
      : watch_([this, &admin, after](const auto& stop, const auto& on_events) {
          return admin.WatchEvents(after, stop, [&](const v1::WatchEventsResponse& response) {
            base::MutexLock lock(mutex_);
            for (const v1::Event& event : response.events()) numbers_.push_back(event.number());
            return on_events(response);
          });
        }) {}

  std::vector<std::uint64_t> numbers() {
    base::MutexLock lock(mutex_);
    return numbers_;
  }
  bool Saw(std::uint64_t number) {
    const auto all = numbers();
    return std::find(all.begin(), all.end(), number) != all.end();
  }
  std::optional<absl::Status> ended() { return watch_.ended(); }

 private:
  base::Mutex mutex_;
  std::vector<std::uint64_t> numbers_ TM_GUARDED_BY(mutex_);
  WatchLog<v1::WatchEventsResponse> watch_;
};

TEST_F(ControllerTest, AWatchOfEventsGoesOnFromItsNumberAndSkipsNone) {
  auto sqlite = SqliteStore::Open({.data_directory = data_});
  ASSERT_OK(sqlite);
  ASSERT_OK((*sqlite)->Load());
  ASSERT_OK((*sqlite)->Apply(History(1, 3500)));
  ScRig rig(ScRig::Options(data_), *std::move(sqlite));
  Admin admin(rig.grpc_target());
  NumberLog log(admin, 500);
  ASSERT_TRUE(WaitFor([&] { return log.Saw(3500); }, kLongWait, "the newest event"));
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  ASSERT_TRUE(Welcomed(spu.Attach()));
  ASSERT_TRUE(WaitFor([&] { return log.Saw(3501); }, kLongWait, "what happens after it"));
  const auto numbers = log.numbers();
  ASSERT_EQ(numbers.size(), 3001U);
  for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], 501 + i);
}

TEST_F(ControllerTest, AWatchKeepsNothingWhileTheStoreHangsAndMissesNothing) {
  auto sqlite = SqliteStore::Open({.data_directory = data_});
  ASSERT_OK(sqlite);
  auto store = std::make_shared<support::FaultyStore>(*std::move(sqlite));
  ScRig rig(ScRig::Options(data_), store);
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);
  const std::uint64_t newest = admin.Events("").back().number();
  store->Hang();
  spu.Cut();
  ASSERT_TRUE(WaitFor([&] { return store->waiting(); }, kLongWait, "a batch at the disk"));
  NumberLog log(admin, 0);
  const auto watchers = [&] {
    std::size_t count = 0;
    rig.loop().Run([&] { count = rig.process().controller().watchers().size(); });
    return count;
  };
  ASSERT_TRUE(WaitFor([&] { return watchers() == 1; }, kLongWait, "the watch"));
  // 10 MiB: they are durable, so the history that is still being read has them.
  rig.loop().Run([&] {
    rig.process().controller().watchers().ForEach([&](Watcher& watcher) {
      for (std::uint64_t number = newest + 100; number < newest + 120; ++number) {
        EventRecord event;
        event.set_number(number);
        event.set_reason(std::string(500'000, 'r'));
        watcher.OnEvents(std::span(&event, 1));
      }
    });
  });
  store->Release();
  ASSERT_TRUE(WaitFor([&] { return log.Saw(newest + 1) || log.ended(); }, kLongWait, "its events"));
  EXPECT_FALSE(log.ended().has_value()) << *log.ended();
  EXPECT_FALSE(log.Saw(newest + 100)) << "kept beside the history";
  const auto numbers = log.numbers();
  for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], 1 + i);
}

TEST_F(ControllerTest, AWatcherThatDoesNotReadIsDroppedWithTheNumberToGoOnFrom) {
  ScRig rig(ScRig::Options(data_));
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);
  std::promise<void> go_on;
  std::shared_future<void> may_go_on = go_on.get_future().share();
  std::promise<void> first_seen;
  std::size_t responses = 0;
  WatchLog<v1::WatchEventsResponse> slow([&](const auto& stop, const auto& on_events) {
    return admin.WatchEvents(0, stop, [&](const v1::WatchEventsResponse& response) {
      if (++responses == 1) {
        first_seen.set_value();
        may_go_on.wait();
      }
      return on_events(response);
    });
  });
  first_seen.get_future().wait();
  // It reads no more, while 10 MiB arrive at once.
  rig.loop().Run([&] {
    rig.process().controller().watchers().ForEach([](Watcher& watcher) {
      for (std::uint64_t number = 1000; number < 1020; ++number) {
        EventRecord event;
        event.set_number(number);
        event.set_reason(std::string(500'000, 'r'));
        watcher.OnEvents(std::span(&event, 1));
      }
    });
  });
  go_on.set_value();
  ASSERT_TRUE(WaitFor([&] { return slow.ended().has_value(); }, kLongWait, "the watcher's end"));
  EXPECT_THAT(*slow.ended(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("go on after number")));
}

}  // namespace
}  // namespace tidemark::sc
