#include "sc/store/sqlite_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "base/byte_size.h"
#include "tests/sc/sample_rows.h"
#include "tests/support/temp_directory.h"

namespace tidemark::sc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A batch that touches every table.
StoreBatch FullBatch() {
  StoreBatch batch;
  batch.session = base::SessionId(42);
  batch.newest_partition_id = base::PartitionId(9);
  batch.spus.push_back({.id = "n1",
                        .uuid = base::Uuid({1}),
                        .boot_count = 3,
                        .boot_nonce = 0xffffffffffffffffULL,
                        .attempt = 5,
                        .session = base::SessionId(42),
                        .grpc_endpoint = "127.0.0.1:7201",
                        .http_endpoint = "127.0.0.1:7202",
                        .version = "0.1.0",
                        .replace_allowed = true,
                        .registered_unix_ms = 99});
  batch.volumes.push_back(SampleVolume(8));
  batch.topics.push_back({.name = "orders", .partitions = 1, .policy = {}, .created_unix_ms = 5});
  batch.topics.back().policy.set_retention_ms(1000);
  PartitionRecord partition;
  partition.id = base::PartitionId(9);
  partition.topic = "orders";
  partition.index = 0;
  partition.spu_id = "n1";
  partition.volume = kSampleVolume;
  partition.spec_version = 2;
  partition.acked_version = 2;
  partition.refusal = v1::ASSIGNMENT_REFUSAL_NO_ROOM;
  partition.refusal_detail = "1 MiB short";
  partition.created_unix_ms = 6;
  partition.acked_unix_ms = 7;
  batch.partitions.push_back(partition);
  batch.tombstones.push_back({.id = base::PartitionId(4),
                              .spu_id = "n1",
                              .volume = kSampleVolume,
                              .topic = "gone",
                              .created_unix_ms = 8});
  batch.events.push_back(SampleEvent(1));
  return batch;
}

class SqliteStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteStore> Open(std::uint64_t events = 100'000, std::int64_t reserve = 0) {
    auto store = SqliteStore::Open(
        {.data_directory = directory_, .reserve_bytes = reserve, .events = events});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  support::TempDirectory root_;
  std::string directory_ = root_.File("sc");
};

TEST_F(SqliteStoreTest, KeepsEveryFieldOfEveryRowAcrossARestart) {
  const StoreBatch batch = FullBatch();
  base::Uuid cluster;
  {
    auto store = Open();
    cluster = store->Load()->cluster.cluster_id;
    ASSERT_TRUE(store->Apply(batch).ok());
  }
  const auto contents = Open()->Load();
  ASSERT_TRUE(contents.ok()) << contents.status();
  EXPECT_FALSE(cluster.nil());
  EXPECT_EQ(contents->cluster.cluster_id, cluster);
  EXPECT_EQ(contents->cluster.store_epoch, 1U);
  EXPECT_EQ(contents->session, base::SessionId(42));
  EXPECT_EQ(contents->newest_partition_id, base::PartitionId(9));
  EXPECT_EQ(contents->newest_event_number, 1U);

  ASSERT_EQ(contents->spus.size(), 1U);
  const SpuRecord& spu = contents->spus[0];
  EXPECT_EQ(spu.id, "n1");
  EXPECT_EQ(spu.uuid, base::Uuid({1}));
  EXPECT_EQ(spu.boot_count, 3U);
  EXPECT_EQ(spu.boot_nonce, 0xffffffffffffffffULL);
  EXPECT_EQ(spu.attempt, 5U);
  EXPECT_EQ(spu.session, base::SessionId(42));
  EXPECT_EQ(spu.grpc_endpoint, "127.0.0.1:7201");
  EXPECT_EQ(spu.http_endpoint, "127.0.0.1:7202");
  EXPECT_EQ(spu.version, "0.1.0");
  EXPECT_TRUE(spu.replace_allowed);
  EXPECT_EQ(spu.registered_unix_ms, 99);

  ASSERT_EQ(contents->volumes.size(), 1U);
  EXPECT_EQ(contents->volumes[0].uuid, kSampleVolume);
  EXPECT_EQ(contents->volumes[0].path, "/disk");
  EXPECT_EQ(contents->volumes[0].accepted.SerializeAsString(),
            batch.volumes[0].accepted.SerializeAsString());
  EXPECT_EQ(contents->volumes[0].accepted_unix_ms, 12345);

  ASSERT_EQ(contents->topics.size(), 1U);
  EXPECT_EQ(contents->topics[0].policy.retention_ms(), 1000);
  ASSERT_EQ(contents->partitions.size(), 1U);
  const PartitionRecord& partition = contents->partitions[0];
  EXPECT_EQ(partition.id, base::PartitionId(9));
  EXPECT_EQ(partition.topic, "orders");
  EXPECT_EQ(partition.volume, kSampleVolume);
  EXPECT_EQ(partition.spec_version, 2U);
  EXPECT_EQ(partition.acked_version, 2U);
  EXPECT_EQ(partition.refusal, v1::ASSIGNMENT_REFUSAL_NO_ROOM);
  EXPECT_EQ(partition.refusal_detail, "1 MiB short");
  EXPECT_EQ(partition.created_unix_ms, 6);
  EXPECT_EQ(partition.acked_unix_ms, 7);
  ASSERT_EQ(contents->tombstones.size(), 1U);
  EXPECT_EQ(contents->tombstones[0].id, base::PartitionId(4));
  EXPECT_EQ(contents->tombstones[0].topic, "gone");
}

TEST_F(SqliteStoreTest, ReplacesAndDeletesRows) {
  auto store = Open();
  ASSERT_TRUE(store->Load().ok());
  ASSERT_TRUE(store->Apply(FullBatch()).ok());
  StoreBatch again;
  again.volumes.push_back(SampleVolume(9));
  again.topics = FullBatch().topics;  // an upsert under the foreign key
  ASSERT_TRUE(store->Apply(again).ok());
  StoreBatch gone;
  gone.deleted_topics.push_back("orders");
  gone.deleted_partitions.push_back(base::PartitionId(9));
  gone.deleted_tombstones.push_back(base::PartitionId(4));
  ASSERT_TRUE(store->Apply(gone).ok());
  const auto contents = store->Load();
  ASSERT_TRUE(contents.ok());
  EXPECT_EQ(contents->volumes.at(0).accepted.generation(), 9U);
  EXPECT_THAT(contents->topics, IsEmpty());
  EXPECT_THAT(contents->partitions, IsEmpty());
  EXPECT_THAT(contents->tombstones, IsEmpty());
}

TEST_F(SqliteStoreTest, ABatchThatBreaksARuleLeavesNothingBehind) {
  auto store = Open();
  ASSERT_TRUE(store->Load().ok());
  StoreBatch batch = FullBatch();
  batch.topics.clear();  // its partition has no topic then
  EXPECT_FALSE(store->Apply(batch).ok());
  const auto contents = store->Load();
  EXPECT_EQ(contents->session, base::SessionId(0));
  EXPECT_THAT(contents->spus, IsEmpty());
  EXPECT_THAT(contents->volumes, IsEmpty());
  EXPECT_TRUE(store->Events({})->empty());
  EXPECT_TRUE(store->Apply(FullBatch()).ok()) << "the store goes on";
}

std::vector<std::uint64_t> Numbers(const absl::StatusOr<std::vector<EventRecord>>& events) {
  std::vector<std::uint64_t> numbers;
  if (!events.ok()) return {};
  for (const EventRecord& event : *events) numbers.push_back(event.number());
  return numbers;
}

TEST_F(SqliteStoreTest, FindsEventsNewestLastByTextAndNumber) {
  auto store = Open();
  ASSERT_TRUE(store->Load().ok());
  StoreBatch batch;
  for (std::uint64_t n = 1; n <= 300; ++n) {
    batch.events.push_back(SampleEvent(n, n % 100 == 0 ? "Proof refused" : "other"));
  }
  ASSERT_TRUE(store->Apply(batch).ok());
  EXPECT_EQ(Numbers(store->Events({})).size(), 200U);
  EXPECT_EQ(Numbers(store->Events({})).back(), 300U);
  EXPECT_THAT(Numbers(store->Events({.limit = 2})), ElementsAre(299, 300));
  EXPECT_THAT(Numbers(store->Events({.contains = "proof REFUSED"})), ElementsAre(100, 200, 300));
  constexpr std::uint64_t kBeyond = std::numeric_limits<std::uint64_t>::max();
  EXPECT_THAT(Numbers(store->Events({.after_number = kBeyond, .oldest = true})), IsEmpty());
  EXPECT_THAT(Numbers(store->Events({.contains = "proof", .after_number = 150})),
              ElementsAre(200, 300));
  EXPECT_THAT(Numbers(store->Events({.contains = "%"})), IsEmpty());
  EXPECT_EQ(Numbers(store->Events({.limit = 1 << 30})).size(), 300U);
}

TEST_F(SqliteStoreTest, FindsEventsByEveryTextOfTheirs) {
  auto store = Open();
  ASSERT_TRUE(store->Load().ok());
  StoreBatch batch;
  for (std::uint64_t n = 1; n <= 5; ++n) batch.events.push_back(SampleEvent(n));
  batch.events[0].set_from("space(episode 7, inodes)");
  batch.events[1].set_to("operator(Ann: disk swap)");
  batch.events[2].set_volume("aaaa1111");
  batch.events[3].set_spu_id("node-9");
  ASSERT_TRUE(store->Apply(batch).ok());
  EXPECT_THAT(Numbers(store->Events({.contains = "Episode 7"})), ElementsAre(1));
  EXPECT_THAT(Numbers(store->Events({.contains = "ann: disk"})), ElementsAre(2));
  EXPECT_THAT(Numbers(store->Events({.contains = "AAAA"})), ElementsAre(3));
  EXPECT_THAT(Numbers(store->Events({.contains = "NODE-9"})), ElementsAre(4));
}

TEST_F(SqliteStoreTest, FindsEventsByTimeAndPageByPage) {
  auto store = Open();
  ASSERT_TRUE(store->Load().ok());
  StoreBatch batch;
  for (std::uint64_t n = 1; n <= 2500; ++n) {
    batch.events.push_back(SampleEvent(n));
    batch.events.back().set_at_unix_ms(static_cast<base::WallMillis>(n) * 10);
  }
  ASSERT_TRUE(store->Apply(batch).ok());
  EXPECT_THAT(Numbers(store->Events({.since_unix_ms = 24'990})), ElementsAre(2499, 2500));
  EXPECT_THAT(Numbers(store->Events({.limit = 2, .until_unix_ms = 30})), ElementsAre(1, 2));
  EXPECT_THAT(Numbers(store->Events({.since_unix_ms = 20, .until_unix_ms = 40})),
              ElementsAre(2, 3));
  std::uint64_t before = 0;
  std::size_t seen = 0;
  for (auto page = Numbers(store->Events({.contains = "BECAUSE", .limit = 1000})); !page.empty();
       page = Numbers(
           store->Events({.contains = "because", .limit = 1000, .before_number = before}))) {
    EXPECT_TRUE(before == 0 || page.back() == before - 1);
    before = page.front();
    seen += page.size();
  }
  EXPECT_EQ(seen, 2500U);
  EXPECT_EQ(before, 1U);
}

TEST_F(SqliteStoreTest, KeepsOnlyTheNewestEvents) {
  auto store = Open(/*events=*/10);
  ASSERT_TRUE(store->Load().ok());
  for (std::uint64_t n = 1; n <= 35; ++n) {
    StoreBatch batch;
    batch.events.push_back(SampleEvent(n));
    ASSERT_TRUE(store->Apply(batch).ok());
  }
  const auto numbers = Numbers(store->Events({}));
  EXPECT_EQ(numbers.size(), 10U);
  EXPECT_EQ(numbers.front(), 26U);
  EXPECT_EQ(store->Load()->newest_event_number, 35U);
}

TEST_F(SqliteStoreTest, NumbersThatWereNeverStoredPushNoEventOut) {
  {
    auto store = Open(/*events=*/10);
    ASSERT_TRUE(store->Load().ok());
    StoreBatch batch;
    for (std::uint64_t n = 1; n <= 8; ++n) batch.events.push_back(SampleEvent(n));
    ASSERT_TRUE(store->Apply(batch).ok());
    StoreBatch later;  // what stood between could not be stored
    later.events.push_back(SampleEvent(5000));
    ASSERT_TRUE(store->Apply(later).ok());
    EXPECT_EQ(Numbers(store->Events({})).size(), 9U);
  }
  auto store = Open(/*events=*/10);
  ASSERT_TRUE(store->Load().ok());
  StoreBatch more;
  more.events = {SampleEvent(6000), SampleEvent(6001), SampleEvent(6002)};
  ASSERT_TRUE(store->Apply(more).ok());
  EXPECT_THAT(Numbers(store->Events({})), ElementsAre(3, 4, 5, 6, 7, 8, 5000, 6000, 6001, 6002));
}

TEST_F(SqliteStoreTest, ItsFilesAreForItsOwnerOnly) {
  auto store = Open(100, base::kMiB);
  ASSERT_TRUE(store->Load().ok());
  ASSERT_TRUE(store->Apply(FullBatch()).ok());
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    struct stat stat {};
    ASSERT_EQ(::stat(entry.path().c_str(), &stat), 0);
    EXPECT_EQ(stat.st_mode & 07777, 0600U) << entry.path();
  }
}

TEST_F(SqliteStoreTest, RefusesASecondControllerOnTheSameDirectory) {
  auto store = Open();
  const auto second = SqliteStore::Open({.data_directory = directory_});
  ASSERT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another tidemark-sc"));
}

TEST_F(SqliteStoreTest, RefusesAFileThatIsNotItsOwn) {
  Open();
  const std::string path = directory_ + "/status.db";
  struct Case {
    const char* name;
    std::function<void()> spoil;
    absl::StatusCode code;
    const char* message;
  };
  const auto run = [&](const char* sql) {
    auto database = SqliteDatabase::Open(path);
    ASSERT_TRUE((*database)->Execute(sql).ok());
  };
  const Case cases[] = {
      {"a later version", [&] { run("PRAGMA user_version=2"); },
       absl::StatusCode::kFailedPrecondition, "schema version 2, this program knows 1"},
      {"another program", [&] { run("PRAGMA user_version=1; PRAGMA application_id=1"); },
       absl::StatusCode::kFailedPrecondition, "application id 0x00000001"},
      {"not a database",
       [&] {
         std::filesystem::remove(path + "-wal");
         std::ofstream(path, std::ios::trunc) << std::string(8192, 'x');
       },
       absl::StatusCode::kDataLoss, "status.db"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    c.spoil();
    const auto opened = SqliteStore::Open({.data_directory = directory_});
    EXPECT_EQ(opened.status().code(), c.code) << opened.status();
    EXPECT_THAT(std::string(opened.status().message()), HasSubstr(c.message));
  }
}

TEST_F(SqliteStoreTest, DamagedPagesAreFoundAtStart) {
  {
    auto store = Open();
    ASSERT_TRUE(store->Load().ok());
    ASSERT_TRUE(store->Apply(FullBatch()).ok());
  }
  const std::string path = directory_ + "/status.db";
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(file, 0);
  const auto size = static_cast<off_t>(std::filesystem::file_size(path));
  const std::string garbage(4096, '\xff');
  for (off_t page = 4096; page < size; page += 4096) {  // the first one says what the file is
    ASSERT_EQ(pwrite(file, garbage.data(), garbage.size(), page), 4096);
  }
  close(file);
  const auto opened = SqliteStore::Open({.data_directory = directory_});
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kDataLoss) << opened.status();
}

}  // namespace
}  // namespace tidemark::sc
