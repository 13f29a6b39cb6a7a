#include "sc/store/sqlite_schema.h"

#include "absl/strings/str_format.h"
#include "base/status_macros.h"

namespace tidemark::sc {
namespace {

// Protobuf messages are kept whole in blobs: unknown fields of a newer peer survive.
constexpr char kVersion1[] = R"sql(
CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE spus(
  id TEXT PRIMARY KEY, uuid BLOB NOT NULL, boot_count INTEGER NOT NULL,
  boot_nonce INTEGER NOT NULL, attempt INTEGER NOT NULL, session INTEGER NOT NULL,
  grpc_endpoint TEXT NOT NULL, http_endpoint TEXT NOT NULL, version TEXT NOT NULL,
  replace_allowed INTEGER NOT NULL, registered_unix_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE volumes(
  uuid BLOB PRIMARY KEY, spu_id TEXT NOT NULL, path TEXT NOT NULL, accepted BLOB NOT NULL,
  accepted_unix_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE topics(
  name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, policy BLOB NOT NULL,
  created_unix_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE partitions(
  id INTEGER PRIMARY KEY, topic TEXT NOT NULL REFERENCES topics(name), number INTEGER NOT NULL,
  spu_id TEXT NOT NULL, volume BLOB NOT NULL, spec_version INTEGER NOT NULL,
  acked_version INTEGER NOT NULL, refusal INTEGER NOT NULL, refusal_detail TEXT NOT NULL,
  created_unix_ms INTEGER NOT NULL, acked_unix_ms INTEGER NOT NULL, UNIQUE(topic, number));
CREATE TABLE tombstones(
  id INTEGER PRIMARY KEY, spu_id TEXT NOT NULL, volume BLOB NOT NULL, topic TEXT NOT NULL,
  created_unix_ms INTEGER NOT NULL);
CREATE TABLE events(
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL,
  spu_id TEXT NOT NULL, volume TEXT NOT NULL, event BLOB NOT NULL);
)sql";

absl::Status CheckWhole(SqliteDatabase& database) {
  TM_ASSIGN_OR_RETURN(const std::string found, database.QueryText("PRAGMA quick_check(1)"));
  if (found != "ok") return absl::DataLossError("check the database: " + found);
  return absl::OkStatus();
}

}  // namespace

absl::Status PrepareSchema(SqliteDatabase& database) {
  TM_ASSIGN_OR_RETURN(const std::int64_t version, database.QueryInteger("PRAGMA user_version"));
  TM_ASSIGN_OR_RETURN(const std::int64_t program, database.QueryInteger("PRAGMA application_id"));
  TM_ASSIGN_OR_RETURN(const std::int64_t tables,
                      database.QueryInteger("SELECT count(*) FROM sqlite_schema"));
  if (version == 0 && program == 0 && tables == 0) {
    return database.Transaction([&] {
      return database.Execute(absl::StrFormat("%sPRAGMA application_id=%d; PRAGMA user_version=%d;",
                                              kVersion1, kSqliteApplicationId,
                                              kSqliteSchemaVersion));
    });
  }
  if (program != kSqliteApplicationId) {
    return absl::FailedPreconditionError(
        absl::StrFormat("open the database refused: application id 0x%08x, tidemark's is 0x%08x",
                        program, kSqliteApplicationId));
  }
  if (version != kSqliteSchemaVersion) {
    return absl::FailedPreconditionError(
        absl::StrFormat("open the database refused: schema version %d, this program knows %d",
                        version, kSqliteSchemaVersion));
  }
  return CheckWhole(database);
}

}  // namespace tidemark::sc
