// Tables of the embedded store.
//
// Errors: kFailedPrecondition for a file of another program or of another version (there is no
// older one yet); kDataLoss when
//         SQLite's quick_check finds damage.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "sc/store/sqlite_database.h"

namespace tidemark::sc {

// "TDMK" in the file's application_id.
inline constexpr std::int64_t kSqliteApplicationId = 0x54444d4b;
inline constexpr std::int64_t kSqliteSchemaVersion = 1;

// Creates the tables in an empty file; checks that one with tables is ours and whole.
absl::Status PrepareSchema(SqliteDatabase& database);

}  // namespace tidemark::sc
