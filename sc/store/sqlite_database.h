// One SQLite connection and its prepared statements: RAII and typed errors, no schema.
//
// The connection is exclusive (locking_mode=EXCLUSIVE): nobody else may open the file while we run,
// and there is no memory-mapped -shm beside it that could raise SIGBUS on a full disk.
//
// Lifetime:  statements are destroyed before their database.
// Threading: one thread at a time.
// Errors:    kResourceExhausted: the disk is full. kDataLoss: not a database, or a damaged one.
//            kUnavailable: other I/O errors. kFailedPrecondition: locked by another process.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tidemark::sc {

class SqliteStatement {
 public:
  SqliteStatement() = default;
  ~SqliteStatement();
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&& other) noexcept;

  // Parameters count from 1. The bytes are copied.
  void Bind(int parameter, std::int64_t value);
  void BindText(int parameter, std::string_view value);
  void BindBlob(int parameter, std::string_view value);

  // True: a row is there. False: done, and reset for the next use.
  absl::StatusOr<bool> Step();
  // Step() for statements without rows.
  absl::Status Run();
  void Reset();

  // Columns count from 0.
  std::int64_t Integer(int column) const;
  std::string Bytes(int column) const;

 private:
  friend class SqliteDatabase;
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  sqlite3_stmt* statement_ = nullptr;
};

class SqliteDatabase {
 public:
  // Creates the file (mode 0600) where it is missing. WAL, synchronous=FULL, foreign keys.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(const std::string& path);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  absl::StatusOr<SqliteStatement> Prepare(std::string_view sql);
  // One or more statements without rows.
  absl::Status Execute(const std::string& sql);
  // First column of the first row; 0 if there is none.
  absl::StatusOr<std::int64_t> QueryInteger(std::string_view sql);
  absl::StatusOr<std::string> QueryText(std::string_view sql);

  // All of what `body` did, or nothing of it.
  template <typename Body>
  absl::Status Transaction(Body body) {
    if (absl::Status begun = Execute("BEGIN IMMEDIATE"); !begun.ok()) return begun;
    absl::Status status = body();
    if (status.ok()) status = Execute("COMMIT");
    if (!status.ok()) RollBack();
    return status;
  }

 private:
  SqliteDatabase(std::string path, sqlite3* connection);

  absl::Status Configure();
  void RollBack();

  std::string path_;
  sqlite3* connection_;
};

}  // namespace tidemark::sc
