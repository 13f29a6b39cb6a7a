// The embedded store: one SQLite file (WAL, synchronous=FULL), and a reserve beside it.
//
// When the disk is full, the reserve is given back and the batch is tried once more: the controller
// can still record that something else is full. The reserve is taken again, by Probe(), when there
// is room for it twice.
//
// Lifetime:  the directory is locked until destroyed.
// Threading: as StatusStore.
// Errors:    as StatusStore; Open() also as DataDirectory, SqliteDatabase and PrepareSchema().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sc/store/ballast.h"
#include "sc/store/data_directory.h"
#include "sc/store/sqlite_database.h"
#include "sc/store/sqlite_rows.h"
#include "sc/store/status_store.h"

namespace tidemark::sc {

struct SqliteStoreOptions {
  std::string data_directory;
  std::int64_t reserve_bytes = 0;
  std::uint64_t events = 100'000;  // newest kept
};

class SqliteStore final : public StatusStore {
 public:
  // A disk too full for the reserve is no error here: reserve() says so.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const SqliteStoreOptions& options);

  absl::StatusOr<StoreContents> Load() override;
  absl::Status Apply(const StoreBatch& batch) override;
  absl::Status ApplyTogether(std::span<const std::shared_ptr<const StoreBatch>> batches) override;
  absl::StatusOr<std::vector<EventRecord>> Events(const EventQuery& query) override;
  absl::Status Probe() override;
  StoreReserve reserve() const override { return {ballast_.held(), ballast_.bytes()}; }

 private:
  SqliteStore(const SqliteStoreOptions& options, std::unique_ptr<DataDirectory> directory,
              std::unique_ptr<SqliteDatabase> database, std::unique_ptr<SqliteBatchWriter> writer);

  // Inside a transaction; `events`: how many are in the table.
  absl::Status Write(const StoreBatch& batch, std::uint64_t& events);
  template <typename Body>
  absl::Status WithReserve(Body body);
  // WithReserve(), and how many events are in the table then: `body` is given the count.
  template <typename Body>
  absl::Status Commit(Body body);
  absl::StatusOr<ClusterRecord> LoadCluster();
  std::optional<std::uint64_t> AvailableBytes() const;

  const SqliteStoreOptions options_;
  std::unique_ptr<DataDirectory> directory_;
  std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<SqliteBatchWriter> writer_;
  Ballast ballast_;
  std::uint64_t events_kept_ = 0;
};

}  // namespace tidemark::sc
