#include "sc/store/sqlite_database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace tidemark::sc {
namespace {

absl::StatusCode CodeOf(int result, int system_errno) {
  switch (result & 0xff) {
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return system_errno == ENOSPC || system_errno == EDQUOT ? absl::StatusCode::kResourceExhausted
                                                              : absl::StatusCode::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kFailedPrecondition;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISUSE:
    case SQLITE_ERROR:
      return absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

absl::Status Error(sqlite3* connection, int result, std::string_view what) {
  const int system_errno = sqlite3_system_errno(connection);
  return absl::Status(
      CodeOf(result, system_errno),
      absl::StrFormat("%s: %s (sqlite %d, %s)", what, sqlite3_errmsg(connection),
                      sqlite3_extended_errcode(connection),
                      system_errno == 0 ? "no errno" : base::ErrnoName(system_errno)));
}

// SQLite would create it with mode 0644; the files beside it take the mode of this one.
absl::Status CreatePrivately(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return base::ErrnoStatus(errno, "create '" + path + "'");
  close(file);
  return absl::OkStatus();
}

}  // namespace

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)) {}

SqliteStatement& SqliteStatement::operator=(SqliteStatement&& other) noexcept {
  std::swap(statement_, other.statement_);
  return *this;
}

void SqliteStatement::Bind(int parameter, std::int64_t value) {
  TM_CHECK(sqlite3_bind_int64(statement_, parameter, value) == SQLITE_OK);
}

void SqliteStatement::BindText(int parameter, std::string_view value) {
  TM_CHECK(sqlite3_bind_text64(statement_, parameter, value.data(), value.size(), SQLITE_TRANSIENT,
                               SQLITE_UTF8) == SQLITE_OK);
}

void SqliteStatement::BindBlob(int parameter, std::string_view value) {
  // A null pointer would bind NULL, not an empty blob.
  TM_CHECK(sqlite3_bind_blob64(statement_, parameter, value.empty() ? "" : value.data(),
                               value.size(), SQLITE_TRANSIENT) == SQLITE_OK);
}

absl::StatusOr<bool> SqliteStatement::Step() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  absl::Status status = absl::OkStatus();
  if (result != SQLITE_DONE) status = Error(sqlite3_db_handle(statement_), result, "run statement");
  Reset();
  if (!status.ok()) return status;
  return false;
}

absl::Status SqliteStatement::Run() {
  TM_ASSIGN_OR_RETURN(const bool row, Step());
  if (row) Reset();
  return absl::OkStatus();
}

void SqliteStatement::Reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

std::int64_t SqliteStatement::Integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string SqliteStatement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (bytes == nullptr || size <= 0) return {};
  return std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

SqliteDatabase::SqliteDatabase(std::string path, sqlite3* connection)
    : path_(std::move(path)), connection_(connection) {}

SqliteDatabase::~SqliteDatabase() { sqlite3_close_v2(connection_); }

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const std::string& path) {
  TM_RETURN_IF_ERROR(CreatePrivately(path));
  sqlite3* connection = nullptr;
  const int result = sqlite3_open_v2(
      path.c_str(), &connection,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
      nullptr);
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(path, connection));
  if (result != SQLITE_OK) return Error(connection, result, "open '" + path + "'");
  if (absl::Status configured = database->Configure(); !configured.ok()) {
    return base::Annotate(configured, "open '" + path + "'");
  }
  return database;
}

absl::Status SqliteDatabase::Configure() {
  TM_RETURN_IF_ERROR(Execute("PRAGMA locking_mode=EXCLUSIVE"));
  TM_ASSIGN_OR_RETURN(const std::string journal, QueryText("PRAGMA journal_mode=WAL"));
  if (journal != "wal") {
    return absl::UnavailableError("set journal_mode=WAL refused: it stays '" + journal + "'");
  }
  TM_RETURN_IF_ERROR(
      Execute("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
              "PRAGMA trusted_schema=OFF"));
  return absl::OkStatus();
}

absl::StatusOr<SqliteStatement> SqliteDatabase::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) {
    return Error(connection_, result, absl::StrFormat("prepare '%s'", sql));
  }
  return SqliteStatement(statement);
}

absl::Status SqliteDatabase::Execute(const std::string& sql) {
  const int result = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return Error(connection_, result, absl::StrFormat("run '%s'", sql));
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> SqliteDatabase::QueryInteger(std::string_view sql) {
  TM_ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  TM_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Integer(0) : 0;
}

absl::StatusOr<std::string> SqliteDatabase::QueryText(std::string_view sql) {
  TM_ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  TM_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Bytes(0) : std::string();
}

void SqliteDatabase::RollBack() {
  // After some errors SQLite has rolled back by itself: then there is nothing left to do.
  if (sqlite3_get_autocommit(connection_) == 0) {
    sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

}  // namespace tidemark::sc
