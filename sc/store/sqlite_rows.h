// Rows to SQL and back: one writer for each statement of a batch, one reader for each table.
//
// Lifetime:  the database outlives the writer.
// Threading: one thread at a time.
// Errors:    kDataLoss for a blob that does not parse. Else as sqlite_database.h.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sc/core/records.h"
#include "sc/store/sqlite_database.h"

namespace tidemark::sc {

class SqliteBatchWriter {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteBatchWriter>> Prepare(SqliteDatabase& database);

  // Inside the caller's transaction.
  absl::Status Write(const StoreBatch& batch);
  absl::Status PutMeta(std::string_view name, std::string_view value);
  absl::Status DropOldestEvents(std::uint64_t count);

 private:
  SqliteBatchWriter() = default;

  absl::Status WriteSpus(const StoreBatch& batch);
  absl::Status WriteVolumes(const StoreBatch& batch);
  absl::Status WriteTopics(const StoreBatch& batch);
  absl::Status WritePartitions(const StoreBatch& batch);
  absl::Status WriteTombstones(const StoreBatch& batch);
  absl::Status WriteEvents(const StoreBatch& batch);
  absl::Status WriteDeletes(const StoreBatch& batch);

  SqliteStatement put_meta_;
  SqliteStatement put_spu_;
  SqliteStatement put_volume_;
  SqliteStatement put_topic_;
  SqliteStatement put_partition_;
  SqliteStatement put_tombstone_;
  SqliteStatement put_event_;
  SqliteStatement delete_topic_;
  SqliteStatement delete_partition_;
  SqliteStatement delete_tombstone_;
  SqliteStatement delete_events_;
};

absl::StatusOr<std::vector<SpuRecord>> ReadSpus(SqliteDatabase& database);
absl::StatusOr<std::vector<VolumeRecord>> ReadVolumes(SqliteDatabase& database);
absl::StatusOr<std::vector<TopicRecord>> ReadTopics(SqliteDatabase& database);
absl::StatusOr<std::vector<PartitionRecord>> ReadPartitions(SqliteDatabase& database);
absl::StatusOr<std::vector<Tombstone>> ReadTombstones(SqliteDatabase& database);
// Empty where there is no such row.
absl::StatusOr<std::string> ReadMeta(SqliteDatabase& database, std::string_view name);
// The first columns of `statement` are one event blob each; the first `limit` that are wanted.
absl::StatusOr<std::vector<EventRecord>> ReadEvents(
    SqliteStatement& statement, std::size_t limit,
    const std::function<bool(const EventRecord&)>& wanted);

}  // namespace tidemark::sc
