#include "sc/core/topic_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace tidemark::sc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr base::Uuid kDisk({1});
constexpr base::Uuid kOther({2});

std::vector<PlacementChoice> OnTwoSpus() { return {{"n1", kDisk}, {"n2", kOther}, {"n1", kDisk}}; }

StoreBatch Created(TopicTable& table, const std::string& name) {
  auto batch = table.PlanCreate(name, {}, OnTwoSpus(), 1000);
  EXPECT_TRUE(batch.ok()) << batch.status();
  table.Apply(*batch);
  return *batch;
}

v1::AssignmentsAck Ack(base::PartitionId id, std::uint64_t spec_version) {
  v1::AssignmentsAck ack;
  auto* result = ack.add_results();
  result->set_partition_id(id.value());
  result->set_spec_version(spec_version);
  result->set_ok(true);
  return ack;
}

std::vector<std::uint64_t> Ids(const v1::Assignments& assignments) {
  std::vector<std::uint64_t> ids;
  for (const auto& partition : assignments.partitions()) ids.push_back(partition.partition_id());
  return ids;
}

TEST(TopicTable, ShowsNothingBeforeItIsDurable) {
  TopicTable table{StoreContents{}};
  const auto batch = table.PlanCreate("orders", {}, OnTwoSpus(), 1000);
  ASSERT_TRUE(batch.ok());
  EXPECT_THAT(table.Topics(), IsEmpty());
  EXPECT_THAT(Ids(table.AssignmentsOf("n1")), IsEmpty());
  EXPECT_EQ(table.PartitionsOn(kDisk), 2) << "but its room is taken";

  const std::uint64_t before = table.AssignmentsOf("n1").version();
  table.Apply(*batch);
  EXPECT_EQ(table.Topics().at(0).name(), "orders");
  EXPECT_THAT(Ids(table.AssignmentsOf("n1")), ElementsAre(1, 3));
  EXPECT_THAT(Ids(table.AssignmentsOf("n2")), ElementsAre(2));
  EXPECT_GT(table.AssignmentsOf("n1").version(), before);
  EXPECT_TRUE(table.AssignmentsOf("n1").full());
  EXPECT_EQ(table.AssignmentsOf("n1").partitions(0).policy().on_full(), v1::ON_FULL_REJECT);
  EXPECT_THAT(table.SpusOf(*batch), ElementsAre("n1", "n2"));
}

TEST(TopicTable, AnAbandonedCreateGivesBackNameAndRoomButNotItsIds) {
  TopicTable table{StoreContents{}};
  const auto batch = table.PlanCreate("orders", {}, OnTwoSpus(), 1000);
  EXPECT_EQ(table.CheckCreate("orders", 1, {}).code(), absl::StatusCode::kFailedPrecondition);
  table.Abandon(*batch);
  EXPECT_EQ(table.PartitionsOn(kDisk), 0);
  const StoreBatch again = Created(table, "orders");
  EXPECT_EQ(again.partitions.at(0).id, base::PartitionId(4));
}

TEST(TopicTable, AnAbandonedDeleteLeavesTheTopic) {
  TopicTable table{StoreContents{}};
  Created(table, "orders");
  const auto gone = table.PlanDelete("orders", 2000);
  ASSERT_TRUE(gone.ok());
  table.Abandon(*gone);
  EXPECT_THAT(Ids(table.AssignmentsOf("n1")), ElementsAre(1, 3));
  EXPECT_TRUE(table.PlanDelete("orders", 2000).ok());
}

TEST(TopicTable, IdsAreNeverUsedTwiceAlsoAfterDeleteAndRestart) {
  TopicTable table{StoreContents{}};
  Created(table, "orders");
  const auto gone = table.PlanDelete("orders", 2000);
  table.Apply(*gone);
  EXPECT_EQ(Created(table, "orders").partitions.at(0).id, base::PartitionId(4));

  StoreContents contents;
  contents.newest_partition_id = base::PartitionId(6);  // everything else was deleted
  TopicTable restarted{contents};
  EXPECT_EQ(Created(restarted, "orders").partitions.at(0).id, base::PartitionId(7));
}

TEST(TopicTable, ADeletedPartitionIsATombstoneUntilItsOwnSpuAcknowledgesIt) {
  TopicTable table{StoreContents{}};
  Created(table, "orders");
  table.Apply(*table.PlanDelete("orders", 2000));
  EXPECT_THAT(Ids(table.AssignmentsOf("n1")), IsEmpty());
  EXPECT_THAT(table.AssignmentsOf("n1").tombstones(), ElementsAre(1, 3));
  EXPECT_EQ(table.PartitionsOn(kDisk), 0);
  ASSERT_EQ(table.Topics().size(), 1U);
  EXPECT_TRUE(table.Topics()[0].deleting());
  EXPECT_EQ(table.Topics()[0].partitions(), 3);

  v1::AssignmentsAck ack = Ack(base::PartitionId(1), 0);
  ack.mutable_results(0)->set_tombstone(true);
  EXPECT_TRUE(table.RowsOf("n2", ack, 0).empty()) << "another SPU's";
  v1::AssignmentsAck failed = ack;
  failed.mutable_results(0)->set_ok(false);
  EXPECT_TRUE(table.RowsOf("n1", failed, 0).empty());
  const StoreBatch rows = table.RowsOf("n1", ack, 0);
  EXPECT_THAT(rows.deleted_tombstones, ElementsAre(base::PartitionId(1)));
  EXPECT_THAT(table.AssignmentsOf("n1").tombstones(), ElementsAre(1, 3)) << "not durable yet";
  table.Apply(rows);
  EXPECT_THAT(table.AssignmentsOf("n1").tombstones(), ElementsAre(3));
}

TEST(TopicTable, AcksOnlyThePartitionAndSpecTheyAreAbout) {
  TopicTable table{StoreContents{}};
  const std::uint64_t spec = Created(table, "orders").partitions[0].spec_version;
  const base::PartitionId id(1);
  struct Case {
    const char* name;
    std::string spu;
    v1::AssignmentsAck ack;
    bool counts;
  };
  const Case cases[] = {
      {"its own", "n1", Ack(id, spec), true},
      {"another SPU's", "n2", Ack(id, spec), false},
      {"an older spec's", "n1", Ack(id, spec - 1), false},
      {"unknown", "n1", Ack(base::PartitionId(99), spec), false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(!table.RowsOf(c.spu, c.ack, 0).empty(), c.counts) << c.name;
  }
  table.Apply(table.RowsOf("n1", Ack(id, spec), 77));
  EXPECT_TRUE(table.RowsOf("n1", Ack(id, spec), 78).empty()) << "nothing new";
  table.VisitPartitions(
      [&](const PartitionRecord& partition) { EXPECT_EQ(partition.acked(), partition.id == id); });
}

TEST(TopicTable, ARefusalIsKeptWithItsReasonUntilItIsAccepted) {
  TopicTable table{StoreContents{}};
  const std::uint64_t spec = Created(table, "orders").partitions[0].spec_version;
  v1::AssignmentsAck nack = Ack(base::PartitionId(1), spec);
  nack.mutable_results(0)->set_ok(false);
  nack.mutable_results(0)->set_refusal(v1::ASSIGNMENT_REFUSAL_NO_ROOM);
  nack.mutable_results(0)->set_detail("4 MiB short");
  const StoreBatch rows = table.RowsOf("n1", nack, 5000);
  ASSERT_EQ(rows.partitions.size(), 1U);
  EXPECT_EQ(rows.partitions[0].refusal_detail, "4 MiB short");
  EXPECT_EQ(rows.partitions[0].acked_unix_ms, 5000);
  EXPECT_FALSE(rows.partitions[0].acked());
  table.Apply(rows);
  nack.mutable_results(0)->set_detail("3 MiB short");
  EXPECT_EQ(table.RowsOf("n1", nack, 6000).partitions.at(0).acked_unix_ms, 5000)
      << "the same reason with other numbers began when it began";
  nack.mutable_results(0)->set_refusal(v1::ASSIGNMENT_REFUSAL_VOLUME_HELD);
  EXPECT_EQ(table.RowsOf("n1", nack, 6000).partitions.at(0).acked_unix_ms, 6000);
  const StoreBatch accepted = table.RowsOf("n1", Ack(base::PartitionId(1), spec), 0);
  ASSERT_EQ(accepted.partitions.size(), 1U);
  EXPECT_TRUE(accepted.partitions[0].acked());
  EXPECT_EQ(accepted.partitions[0].refusal_detail, "");
}

// UNSPECIFIED is also what a refusal of a newer SPU may look like.
TEST(TopicTable, ARefusalWithoutAKnownReasonIsARefusal) {
  for (const int reason : {0, 77}) {
    TopicTable table{StoreContents{}};
    const std::uint64_t spec = Created(table, "orders").partitions[0].spec_version;
    table.Apply(table.RowsOf("n1", Ack(base::PartitionId(1), spec), 5000));
    v1::AssignmentsAck nack = Ack(base::PartitionId(1), spec);
    nack.mutable_results(0)->set_ok(false);
    nack.mutable_results(0)->set_refusal(static_cast<v1::AssignmentRefusal>(reason));
    const StoreBatch rows = table.RowsOf("n1", nack, 6000);
    ASSERT_EQ(rows.partitions.size(), 1U) << reason;
    EXPECT_FALSE(rows.partitions[0].acked()) << reason;
    EXPECT_EQ(rows.partitions[0].acked_version, spec) << "what was taken once must be there";
    EXPECT_EQ(rows.partitions[0].acked_unix_ms, 6000);
    table.Apply(rows);
    EXPECT_THAT(table.SpusThatRefused(), ElementsAre("n1"));
    EXPECT_TRUE(table.RowsOf("n1", nack, 7000).empty()) << "nothing new";
    StoreContents stored;
    stored.partitions = rows.partitions;
    stored.topics.push_back({.name = "orders"});
    TopicTable restarted{stored};
    restarted.VisitPartitions(
        [&](const PartitionRecord& partition) { EXPECT_FALSE(partition.acked()); });
  }
}

TEST(TopicTable, AnAckCannotBringBackAPartitionWhoseDeleteIsOnItsWay) {
  TopicTable table{StoreContents{}};
  const std::uint64_t spec = Created(table, "orders").partitions[0].spec_version;
  const auto gone = table.PlanDelete("orders", 2000);
  ASSERT_TRUE(gone.ok());
  EXPECT_TRUE(table.RowsOf("n1", Ack(base::PartitionId(1), spec), 0).empty());
}

TEST(TopicTable, AcksDoNotRaiseTheVersion) {
  TopicTable table{StoreContents{}};
  const std::uint64_t spec = Created(table, "orders").partitions[0].spec_version;
  const std::uint64_t before = table.AssignmentsOf("n1").version();
  table.Apply(table.RowsOf("n1", Ack(base::PartitionId(1), spec), 0));
  EXPECT_EQ(table.AssignmentsOf("n1").version(), before);
}

TEST(TopicTable, RefusesBadRequestsWithTheReason) {
  TopicTable table{StoreContents{}};
  Created(table, "taken");
  v1::TopicPolicy negative;
  negative.set_retention_bytes(-1);
  struct Case {
    std::string name;
    std::int32_t partitions;
    v1::TopicPolicy policy;
    absl::StatusCode code;
    const char* message;
  };
  const Case cases[] = {
      {"../x", 1, {}, absl::StatusCode::kInvalidArgument, "'../x'"},
      {"ok", 0, {}, absl::StatusCode::kInvalidArgument, "0 partitions, 1 to 4096"},
      {"ok", 4097, {}, absl::StatusCode::kInvalidArgument, "4097 partitions"},
      {"ok", std::numeric_limits<std::int32_t>::min(), {}, absl::StatusCode::kInvalidArgument, "-"},
      {"ok", 1, negative, absl::StatusCode::kInvalidArgument, "retention_bytes = -1"},
      {"taken", 1, {}, absl::StatusCode::kAlreadyExists, "exists already"},
  };
  for (const Case& c : cases) {
    const absl::Status status = table.CheckCreate(c.name, c.partitions, c.policy);
    EXPECT_EQ(status.code(), c.code) << c.name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message));
  }
  EXPECT_EQ(table.PlanDelete("none", 0).status().code(), absl::StatusCode::kNotFound);
}

TEST(TopicTable, ReadsBackWhatWasStored) {
  TopicTable table{StoreContents{}};
  const StoreBatch orders = Created(table, "orders");
  StoreContents contents;
  contents.topics = orders.topics;
  contents.partitions = orders.partitions;
  contents.newest_partition_id = *orders.newest_partition_id;
  contents.tombstones = {{.id = base::PartitionId(9), .spu_id = "n1", .topic = "gone"}};
  const TopicTable restarted{contents};
  EXPECT_THAT(Ids(restarted.AssignmentsOf("n1")), ElementsAre(1, 3));
  EXPECT_THAT(restarted.AssignmentsOf("n1").tombstones(), ElementsAre(9));
  EXPECT_NE(restarted.AssignmentsOf("n1").version(), 0U);
  EXPECT_EQ(restarted.PartitionsOn(kDisk), 2);
}

}  // namespace
}  // namespace tidemark::sc
