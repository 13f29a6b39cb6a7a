// The real controller behind real gRPC: episodes, restarts, sessions, and its own full disk.
#include "sc/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>

#include "sc/store/sqlite_store.h"
#include "tests/sc/controller_fixture.h"
#include "tests/support/foreign_filler.h"
#include "tests/support/http_fetch.h"
#include "tests/support/sc/faulty_store.h"
#include "tests/support/small_volume.h"

namespace tidemark::sc {
namespace {

using support::FakeSpu;
using support::kLongWait;
using support::ScRig;
using support::StatusIs;
using support::WaitFor;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(ControllerTest, LivesTheStoryOfAnEpisode) {
  ScRig rig(ScRig::Options(data_));
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);

  ASSERT_TRUE(Acked(spu.Say(spu.Full(kDisk, 2, 1))));
  const auto full = admin.Partition("orders");
  EXPECT_EQ(full.status(), v1::PARTITION_STATUS_OUT_OF_SPACE);
  EXPECT_EQ(full.since_unix_ms(), FakeSpu::kFullSince);
  EXPECT_EQ(full.episode(), 1U);
  EXPECT_TRUE(full.reachable());

  for (int cut = 0; cut < 10; ++cut) {
    spu.Cut();
    ASSERT_TRUE(
        WaitFor([&] { return !admin.Partition("orders").reachable(); }, kLongWait, "no reach"));
    EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_OUT_OF_SPACE);
    ASSERT_TRUE(Welcomed(spu.Attach()));
    EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_OUT_OF_SPACE);
    ASSERT_TRUE(Acked(spu.Say(spu.Full(kDisk, 2, 1))));
    EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_OUT_OF_SPACE);
    EXPECT_TRUE(admin.Partition("orders").reachable());
  }

  EXPECT_EQ(RefusalOf(spu.Say(spu.Ready(kDisk, 3))), v1::REPORT_REFUSAL_EPISODE_WENT_BACK);
  v1::Report unproven = spu.Ready(kDisk, 3);
  unproven.set_episodes(1);
  EXPECT_EQ(RefusalOf(spu.Say(unproven)), v1::REPORT_REFUSAL_PROOF_MISSING);
  EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_OUT_OF_SPACE);
  ASSERT_TRUE(Acked(spu.Say(spu.Proven(kDisk, 3, 1))));
  EXPECT_TRUE(Becomes(admin, "orders", v1::PARTITION_STATUS_ONLINE));

  EXPECT_TRUE(WaitFor([&] { return !admin.Events("report.refused").empty(); }, kLongWait,
                      "the refusal in the history"));
  EXPECT_TRUE(WaitFor(
      [&] {
        const std::string metrics = support::HttpFetch(rig.http_port(), "/metrics").body;
        return metrics.find(
                   "tidemark_sc_refusals_total{kind=\"report\",reason=\"proof missing\"} 1") !=
                   std::string::npos &&
               metrics.find("tidemark_sc_partitions{status=\"online\"} 1") != std::string::npos;
      },
      kLongWait, "the metrics"));
  EXPECT_EQ(admin.Events("volume.out_of_space").size(), 1U);
  ASSERT_EQ(admin.Events("volume.space_reclaimed").size(), 1U);
  EXPECT_EQ(admin.Events("volume.space_reclaimed")[0].proof().episode(), 1U);
}

TEST_F(ControllerTest, RestartKeepsOutOfSpaceAndTopics) {
  {
    ScRig rig(ScRig::Options(data_));
    Admin admin(rig.grpc_target());
    FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
    BringOnline(spu, admin);
    ASSERT_TRUE(Acked(spu.Say(spu.Full(kDisk, 2, 1))));
  }
  ScRig rig(ScRig::Options(data_));
  Admin admin(rig.grpc_target());
  const v1::Partition partition = admin.Partition("orders");
  EXPECT_EQ(partition.status(), v1::PARTITION_STATUS_OUT_OF_SPACE);
  EXPECT_EQ(partition.since_unix_ms(), FakeSpu::kFullSince);
  EXPECT_FALSE(partition.reachable());
}

TEST_F(ControllerTest, AReportTheStoreCannotTakeWithdrawsUpAndReadiness) {
  auto sqlite = SqliteStore::Open({.data_directory = data_});
  ASSERT_OK(sqlite);
  auto store = std::make_shared<support::FaultyStore>(*std::move(sqlite));
  ScRig rig(ScRig::Options(data_), store);
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);

  store->FailWith(absl::ResourceExhaustedError("database or disk is full"));
  EXPECT_EQ(RefusalOf(spu.Say(spu.Full(kDisk, 2, 1))), v1::REPORT_REFUSAL_STORE_FAILED);
  const auto partition = admin.Partition("orders");
  EXPECT_EQ(partition.status(), v1::PARTITION_STATUS_LEADER_OFFLINE);
  EXPECT_THAT(partition.reason(), HasSubstr("cannot persist"));
  const auto ready = support::HttpFetch(rig.http_port(), "/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("database or disk is full"));
  EXPECT_EQ(support::HttpFetch(rig.http_port(), "/livez").status, 200);
  EXPECT_THAT(admin.Create("more", 1),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("controller cannot persist")))
      << "not on a volume that is not Up, and that is why it is not";
  EXPECT_THAT(admin.DeleteTopic("orders"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("controller cannot persist")));
  EXPECT_EQ(admin.Topics().size(), 1U) << "a delete that was not stored changes nothing";

  store->FailWith(absl::OkStatus());
  EXPECT_TRUE(WaitFor([&] { return support::HttpFetch(rig.http_port(), "/readyz").status == 200; },
                      kLongWait, "readiness without any traffic"));
  ASSERT_TRUE(Welcomed(spu.Attach()));
  ASSERT_TRUE(Acked(spu.Say(spu.Full(kDisk, 2, 1))));
  EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_OUT_OF_SPACE);
  EXPECT_OK(admin.DeleteTopic("orders"));
}

TEST_F(ControllerTest, StaysUnreadyWhileOnlyAFewBytesStillFitOnItsDisk) {
  const auto volume = support::SmallVolume::Create({.size_bytes = 24 * base::kMiB});
  if (absl::IsUnimplemented(volume.status())) GTEST_SKIP() << volume.status().message();
  ASSERT_OK(volume);
  auto filler = support::ForeignFiller::Create((*volume)->path());
  ASSERT_OK(filler);
  auto sqlite = SqliteStore::Open(
      {.data_directory = (*volume)->path() + "/sc", .reserve_bytes = 2 * base::kMiB});
  ASSERT_OK(sqlite);
  auto store = std::make_shared<support::FaultyStore>(*std::move(sqlite));
  ScRig rig(ScRig::Options(data_), store);
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);

  ASSERT_OK((*filler)->FillCompletely());
  std::uint64_t generation = 1;
  const auto held = [&] {
    v1::Report report = spu.Ready(kDisk, ++generation);
    report.mutable_holds()->add_held(space::v1::HOLD_KIND_OPERATOR);
    report.mutable_holds()->mutable_operator_()->set_why(std::string(50'000, 'w'));
    return spu.Say(report);
  };
  while (Acked(held())) ASSERT_LT(generation, 2000U);
  const int before = store->probes();
  int ready = 0;
  ASSERT_TRUE(WaitFor(
      [&] {
        if (support::HttpFetch(rig.http_port(), "/readyz").status == 200) ++ready;
        return store->probes() >= before + 3;
      },
      kLongWait, "three probes"));
  EXPECT_EQ(ready, 0) << "no report can be stored, whatever a probe says";
  const auto spus = admin.ListSpus();
  ASSERT_OK(spus);
  EXPECT_THAT(spus->store_problem().why(),
              AllOf(HasSubstr("status.db"), HasSubstr("reserve of 2.0 MiB is used up and taken "
                                                      "again from 4.0 MiB free on")));
  EXPECT_FALSE(rig.process().controller().core().store_status().ok());
  EXPECT_THAT(admin.Create("more", 1),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("answers: the controller cannot persist"),
                             testing::Not(HasSubstr("is tidemark-sc running")))));

  ASSERT_OK((*filler)->Free());
  EXPECT_TRUE(WaitFor([&] { return support::HttpFetch(rig.http_port(), "/readyz").status == 200; },
                      kLongWait, "readiness with the reserve"));
  EXPECT_TRUE(store->reserve().held);
  EXPECT_TRUE(Acked(held()));
}

TEST_F(ControllerTest, IsReadyAgainAfterABatchAsLargeAsTheOneThatFailed) {
  auto sqlite = SqliteStore::Open({.data_directory = data_});
  ASSERT_OK(sqlite);
  auto store = std::make_shared<support::FaultyStore>(*std::move(sqlite));
  ScRig rig(ScRig::Options(data_), store);
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);
  store->SetReserve({.held = false, .bytes = base::kMiB});
  store->RefuseBatches(absl::ResourceExhaustedError("database or disk is full"));
  ASSERT_EQ(RefusalOf(spu.Say(spu.Full(kDisk, 2, 1))), v1::REPORT_REFUSAL_STORE_FAILED);
  const auto age = [&] { return admin.ListSpus()->spus(0).volumes(0).report_age_ms(); };
  const std::int64_t first_age = age();
  ASSERT_TRUE(WaitFor([&] { return age() > first_age; }, kLongWait, "what is known to age"));
  ASSERT_EQ(RefusalOf(spu.Say(spu.Full(kDisk, 2, 1))), v1::REPORT_REFUSAL_STORE_FAILED);
  EXPECT_GT(age(), first_age) << "a report that was not kept makes nothing shown newer";

  store->RefuseBatches(absl::OkStatus());
  spu.Cut();  // a line of history, smaller than the report
  ASSERT_TRUE(WaitFor([&] { return !admin.Events("session.lost").empty(); }, kLongWait, "history"));
  EXPECT_EQ(support::HttpFetch(rig.http_port(), "/readyz").status, 503);
  ASSERT_TRUE(Welcomed(spu.Attach()));
  ASSERT_TRUE(Acked(spu.Say(spu.Full(kDisk, 2, 1))));
  EXPECT_EQ(support::HttpFetch(rig.http_port(), "/readyz").status, 200);
}

TEST_F(ControllerTest, AStoreThatHangsNeverShowsWhatItDidNotKeep) {
  auto sqlite = SqliteStore::Open({.data_directory = data_});
  ASSERT_OK(sqlite);
  auto store = std::make_shared<support::FaultyStore>(*std::move(sqlite));
  auto options = ScRig::Options(data_);
  ScRig rig(options, store);
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);
  ASSERT_TRUE(Acked(spu.Say(spu.Full(kDisk, 2, 1))));

  store->Hang();
  v1::AttachRequest request;
  *request.mutable_report() = spu.Proven(kDisk, 3, 1);
  request.mutable_report()->set_session(spu.session());
  request.mutable_report()->set_sequence(1000);
  spu.Send(request);
  ASSERT_TRUE(WaitFor([&] { return store->waiting(); }, kLongWait, "the report at the disk"));
  EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_OUT_OF_SPACE);
  for (const auto& message : spu.received()) {
    EXPECT_FALSE(message.has_report_ack() && message.report_ack().generation() == 3);
  }
  store->Release();
  EXPECT_TRUE(Becomes(admin, "orders", v1::PARTITION_STATUS_ONLINE));
}

TEST_F(ControllerTest, StopsWithinItsGraceWhenTheDiskHangs) {
  auto sqlite = SqliteStore::Open({.data_directory = data_});
  ASSERT_OK(sqlite);
  auto store = std::make_shared<support::FaultyStore>(*std::move(sqlite));
  auto options = ScRig::Options(data_);
  options.daemon.drain_grace = std::chrono::milliseconds(200);
  ScRig rig(options, store);
  const Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);
  store->Hang();
  auto created = std::async(std::launch::async, [&] { return admin.Create("more", 1).status(); });
  ASSERT_TRUE(WaitFor([&] { return store->waiting(); }, kLongWait, "the batch at the disk"));
  rig.Stop();
  EXPECT_THAT(created.get(), StatusIs(absl::StatusCode::kUnavailable));
  store->Release();
}

TEST_F(ControllerTest, DoesNotStayOnlineWhenItsOwnDiskIsReallyFull) {
  const auto volume = support::SmallVolume::Create({.size_bytes = 24 * base::kMiB});
  if (absl::IsUnimplemented(volume.status())) GTEST_SKIP() << volume.status().message();
  ASSERT_OK(volume);
  auto filler = support::ForeignFiller::Create((*volume)->path());
  ASSERT_OK(filler);
  ScRig rig(ScRig::Options((*volume)->path() + "/sc"));  // without a reserve
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);

  ASSERT_OK((*filler)->FillCompletely());
  // The log has some room left in its last blocks: operator holds come and go until it has none.
  std::uint64_t generation = 1;
  std::optional<v1::AttachResponse> answer;
  do {
    v1::Report report = spu.Ready(kDisk, ++generation);
    report.mutable_holds()->add_held(space::v1::HOLD_KIND_OPERATOR);
    report.mutable_holds()->mutable_operator_()->set_why(std::string(50'000, 'w'));
    answer = spu.Say(report);
    ASSERT_TRUE(answer.has_value());
    ASSERT_LT(generation, 2000U) << "what was acknowledged cannot be on a disk of 24 MiB";
  } while (Acked(answer));
  EXPECT_EQ(RefusalOf(answer), v1::REPORT_REFUSAL_STORE_FAILED);
  EXPECT_EQ(RefusalOf(spu.Say(spu.Full(kDisk, generation + 1, 1))),
            v1::REPORT_REFUSAL_STORE_FAILED);
  EXPECT_NE(admin.StatusOf("orders"), v1::PARTITION_STATUS_ONLINE);

  ASSERT_OK((*filler)->Free());
  ASSERT_TRUE(Welcomed(spu.Attach()));
  ASSERT_TRUE(Acked(spu.Say(spu.Full(kDisk, generation + 1, 1))));
  EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_OUT_OF_SPACE);
}

TEST_F(ControllerTest, RefusesMessagesOfDeadSessionsAndOldHellos) {
  ScRig rig(ScRig::Options(data_));
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  BringOnline(spu, admin);
  const std::uint64_t old_session = spu.session();
  ASSERT_TRUE(Welcomed(spu.Attach()));
  EXPECT_GT(spu.session(), old_session);
  v1::Report stale = spu.Full(kDisk, 2, 1);
  stale.set_session(old_session);
  EXPECT_EQ(RefusalOf(spu.Say(stale)), v1::REPORT_REFUSAL_STALE_SESSION);
  ASSERT_TRUE(Acked(spu.Say(spu.Ready(kDisk, 1))));

  FakeSpu clone(rig.grpc_target(), "n1", {kDisk});
  clone.uuid = spu.uuid;
  clone.boot_nonce = 1;
  const auto refused = clone.Attach();
  ASSERT_TRUE(refused.has_value() && refused->has_nack());
  EXPECT_EQ(refused->nack().reason(), v1::NACK_REASON_SUPERSEDED);
  EXPECT_FALSE(spu.ended()) << "an old Hello cannot cut a live session";
  EXPECT_EQ(admin.StatusOf("orders"), v1::PARTITION_STATUS_ONLINE);
}

TEST_F(ControllerTest, RefusalsOfOneStrangerDoNotPushTheHistoryOut) {
  auto options = ScRig::Options(data_);
  options.events = 100;
  ScRig rig(options);
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  ASSERT_TRUE(Welcomed(spu.Attach()));
  for (std::uint64_t generation = 1; generation <= 50; ++generation) {
    v1::Report report = spu.Ready(kDisk, generation);
    if (generation % 2 == 0) report.mutable_holds()->add_held(space::v1::HOLD_KIND_OPERATOR);
    ASSERT_TRUE(Acked(spu.Say(report)));
  }
  FakeSpu stranger(rig.grpc_target(), "n1", {kDisk});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(stranger.Attach()->has_nack());
  ASSERT_TRUE(Acked(spu.Say(spu.Full(kDisk, 51, 1))));
  EXPECT_EQ(admin.Events("volume.verdict").size(), 50U);
  EXPECT_EQ(admin.Events("hello.refused").size(), 1U);
}

TEST_F(ControllerTest, AnSpuWhoseLeaseRanOutIsNotReachable) {
  auto options = ScRig::Options(data_);
  options.lease = std::chrono::milliseconds(300);
  ScRig rig(options);
  Admin admin(rig.grpc_target());
  FakeSpu spu(rig.grpc_target(), "n1", {kDisk});
  ASSERT_TRUE(Welcomed(spu.Attach()));
  ASSERT_TRUE(Acked(spu.Say(spu.Ready(kDisk, 1))));
  ASSERT_TRUE(
      WaitFor([&] { return !admin.ListSpus()->spus(0).attached(); }, kLongWait, "the lease's end"));
  v1::AttachRequest heartbeat;
  heartbeat.mutable_heartbeat()->set_session(spu.session());
  ASSERT_TRUE(WaitFor(
      [&] {
        if (!spu.ended()) spu.Send(heartbeat);
        return spu.ended() || admin.ListSpus()->spus(0).attached();
      },
      kLongWait, "a late heartbeat to count as contact"));
}

}  // namespace
}  // namespace tidemark::sc
