#include "sc/store/sqlite_store.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "daemon/control/event_text.h"
#include "sc/store/sqlite_schema.h"

namespace tidemark::sc {
namespace {

constexpr char kDatabaseName[] = "status.db";
constexpr char kReserveName[] = "reserve";
// What a store without a reserve must see before it says that it can be written.
constexpr std::uint64_t kRoomBytes = base::kMiB;

absl::StatusOr<std::uint64_t> ReadCounter(SqliteDatabase& database, std::string_view name) {
  TM_ASSIGN_OR_RETURN(const std::string text, ReadMeta(database, name));
  std::uint64_t value = 0;
  if (!text.empty() && !absl::SimpleAtoi(text, &value)) {
    return absl::DataLossError(absl::StrFormat("read '%s': '%s' is no number", name, text));
  }
  return value;
}

bool IsWanted(const EventQuery& query, const EventRecord& event) {
  const base::WallMillis at = event.at_unix_ms();
  return (query.since_unix_ms == 0 || at >= query.since_unix_ms) &&
         (query.until_unix_ms == 0 || at < query.until_unix_ms) &&
         daemon::EventContains(event, query.contains);
}

// SQLite's numbers are signed: beyond them is after all there is, not before it.
std::int64_t NumberOf(std::uint64_t event) {
  constexpr std::int64_t kNewest = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min<std::uint64_t>(event, kNewest));
}

}  // namespace

SqliteStore::SqliteStore(const SqliteStoreOptions& options,
                         std::unique_ptr<DataDirectory> directory,
                         std::unique_ptr<SqliteDatabase> database,
                         std::unique_ptr<SqliteBatchWriter> writer)
    : options_(options),
      directory_(std::move(directory)),
      database_(std::move(database)),
      writer_(std::move(writer)),
      ballast_(directory_->descriptor(), kReserveName, options.reserve_bytes) {}

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const SqliteStoreOptions& options) {
  TM_ASSIGN_OR_RETURN(auto directory, DataDirectory::Open(options.data_directory));
  TM_ASSIGN_OR_RETURN(auto database, SqliteDatabase::Open(directory->FilePath(kDatabaseName)));
  if (absl::Status prepared = PrepareSchema(*database); !prepared.ok()) {
    return absl::Status(prepared.code(),
                        absl::StrFormat("%s: %s", directory->FilePath(kDatabaseName),
                                        std::string(prepared.message())));
  }
  TM_ASSIGN_OR_RETURN(auto writer, SqliteBatchWriter::Prepare(*database));
  std::unique_ptr<SqliteStore> store(
      new SqliteStore(options, std::move(directory), std::move(database), std::move(writer)));
  // Not fatal: a controller on a full disk must come up and say so.
  store->ballast_.Take().IgnoreError();
  return store;
}

template <typename Body>
absl::Status SqliteStore::WithReserve(Body body) {
  absl::Status status = database_->Transaction(body);
  if (absl::IsResourceExhausted(status) && ballast_.Release()) {
    status = database_->Transaction(body);
  }
  if (status.ok()) return status;
  return base::Annotate(status, absl::StrFormat("'%s'", directory_->FilePath(kDatabaseName)));
}

absl::StatusOr<ClusterRecord> SqliteStore::LoadCluster() {
  TM_ASSIGN_OR_RETURN(const std::string id, ReadMeta(*database_, "cluster_id"));
  if (id.empty()) {
    const ClusterRecord made{.cluster_id = base::Uuid::Random(), .store_epoch = 1};
    const absl::Status stored = WithReserve([&]() -> absl::Status {
      TM_RETURN_IF_ERROR(writer_->PutMeta("cluster_id", made.cluster_id.ToBytes()));
      return writer_->PutMeta("store_epoch", std::to_string(made.store_epoch));
    });
    if (!stored.ok()) return stored;
    return made;
  }
  const auto uuid = base::Uuid::FromBytes(id);
  if (!uuid.has_value()) return absl::DataLossError("read 'cluster_id': not 16 bytes");
  TM_ASSIGN_OR_RETURN(const std::uint64_t epoch, ReadCounter(*database_, "store_epoch"));
  return ClusterRecord{.cluster_id = *uuid, .store_epoch = epoch};
}

absl::StatusOr<StoreContents> SqliteStore::Load() {
  StoreContents contents;
  TM_ASSIGN_OR_RETURN(contents.cluster, LoadCluster());
  TM_ASSIGN_OR_RETURN(const std::uint64_t session, ReadCounter(*database_, "session"));
  contents.session = base::SessionId(session);
  TM_ASSIGN_OR_RETURN(const std::uint64_t partition,
                      ReadCounter(*database_, "newest_partition_id"));
  contents.newest_partition_id = base::PartitionId(partition);
  TM_ASSIGN_OR_RETURN(const std::int64_t event,
                      database_->QueryInteger("SELECT max(number) FROM events"));
  contents.newest_event_number = static_cast<std::uint64_t>(event);
  TM_ASSIGN_OR_RETURN(const std::int64_t events,
                      database_->QueryInteger("SELECT count(*) FROM events"));
  events_kept_ = static_cast<std::uint64_t>(events);
  TM_ASSIGN_OR_RETURN(contents.spus, ReadSpus(*database_));
  TM_ASSIGN_OR_RETURN(contents.volumes, ReadVolumes(*database_));
  TM_ASSIGN_OR_RETURN(contents.topics, ReadTopics(*database_));
  TM_ASSIGN_OR_RETURN(contents.partitions, ReadPartitions(*database_));
  TM_ASSIGN_OR_RETURN(contents.tombstones, ReadTombstones(*database_));
  return contents;
}

template <typename Body>
absl::Status SqliteStore::Commit(Body body) {
  std::uint64_t events = 0;
  TM_RETURN_IF_ERROR(WithReserve([&] {
    events = events_kept_;  // a second try counts from the start
    return body(events);
  }));
  events_kept_ = events;
  return absl::OkStatus();
}

absl::Status SqliteStore::Write(const StoreBatch& batch, std::uint64_t& events) {
  TM_RETURN_IF_ERROR(writer_->Write(batch));
  events += batch.events.size();
  if (events <= options_.events) return absl::OkStatus();
  TM_RETURN_IF_ERROR(writer_->DropOldestEvents(events - options_.events));
  events = options_.events;
  return absl::OkStatus();
}

absl::Status SqliteStore::Apply(const StoreBatch& batch) {
  return Commit([&](std::uint64_t& events) { return Write(batch, events); });
}

absl::Status SqliteStore::ApplyTogether(
    std::span<const std::shared_ptr<const StoreBatch>> batches) {
  return Commit([&](std::uint64_t& events) -> absl::Status {
    for (const auto& batch : batches) TM_RETURN_IF_ERROR(Write(*batch, events));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<EventRecord>> SqliteStore::Events(const EventQuery& query) {
  TM_ASSIGN_OR_RETURN(
      SqliteStatement statement,
      database_->Prepare(absl::StrFormat(
          "SELECT event FROM events WHERE number>?1 AND (?2=0 OR number<?2) ORDER BY number %s",
          query.oldest ? "ASC" : "DESC")));
  const std::int32_t limit = query.limit == 0 ? EventQuery::kDefaultLimit : query.limit;
  statement.Bind(1, NumberOf(query.after_number));
  statement.Bind(2, NumberOf(query.before_number));
  TM_ASSIGN_OR_RETURN(
      std::vector<EventRecord> events,
      ReadEvents(statement, static_cast<std::size_t>(std::clamp(limit, 1, EventQuery::kLimit)),
                 [&query](const EventRecord& event) { return IsWanted(query, event); }));
  if (!query.oldest) std::reverse(events.begin(), events.end());
  return events;
}

std::optional<std::uint64_t> SqliteStore::AvailableBytes() const {
  struct statvfs stat {};
  if (fstatvfs(directory_->descriptor(), &stat) != 0) return std::nullopt;
  return stat.f_bavail * stat.f_frsize;
}

absl::Status SqliteStore::Probe() {
  const auto available = AvailableBytes();
  if (ballast_.bytes() == 0 && available.has_value() && *available < kRoomBytes) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("write '%s' refused: %d bytes available on its disk, %d are wanted",
                        directory_->FilePath(kDatabaseName), *available, kRoomBytes));
  }
  const auto taken_from = static_cast<std::uint64_t>(reserve().taken_from_bytes());
  if (!ballast_.held() && available.has_value() && *available >= taken_from) {
    ballast_.Take().IgnoreError();
  }
  return WithReserve([&] { return writer_->PutMeta("probe", "1"); });
}

}  // namespace tidemark::sc
