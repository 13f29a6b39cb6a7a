// Where the controller's rows and its history live.
//
// Lifetime:  outlives the thread that uses it.
// Threading: one thread at a time, never the loop: every call may block on the disk.
// Errors:    kResourceExhausted the disk is full; kDataLoss damaged or not ours; kUnavailable other
//            I/O. After a failed Apply() the old state stands and the next call may succeed. (After
//            a failed *sync* a crash may find the batch applied all the same; it was never told to
//            anybody, and is whole.)
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "sc/core/records.h"

namespace tidemark::sc {

// All that are wanted of the history; zero and empty fields want nothing.
struct EventQuery {
  static constexpr std::int32_t kDefaultLimit = 200;
  static constexpr std::int32_t kLimit = 1000;

  // As daemon::EventContains().
  std::string contains;
  // Of those, the newest; clamped to 1 … kLimit. 0: kDefaultLimit.
  std::int32_t limit = 0;
  std::uint64_t after_number = 0;
  std::uint64_t before_number = 0;  // 0: no bound
  // [since, until), by the wall clock; 0: no bound.
  base::WallMillis since_unix_ms = 0;
  base::WallMillis until_unix_ms = 0;
  // Of those, the oldest: to read on from a number without leaving any out.
  bool oldest = false;
};

// How the store's own disk stands.
struct StoreReserve {
  bool held = true;
  std::int64_t bytes = 0;

  // One that was given up is taken again from this much available space on; with less it would only
  // be given up again by the next batch.
  std::int64_t taken_from_bytes() const { return 2 * bytes; }
};

class StatusStore {
 public:
  virtual ~StatusStore() = default;

  // Everything there is; makes the cluster record in an empty store. Called once, first.
  virtual absl::StatusOr<StoreContents> Load() = 0;
  // One transaction: all of it or nothing, durable on return.
  virtual absl::Status Apply(const StoreBatch& batch) = 0;
  // Several in their order as one transaction: all of them or nothing, durable on return. A store
  // that cannot says so, and is asked for each alone.
  virtual absl::Status ApplyTogether(std::span<const std::shared_ptr<const StoreBatch>> batches);
  // Oldest first.
  virtual absl::StatusOr<std::vector<EventRecord>> Events(const EventQuery& query) = 0;
  // Takes back a reserve that was given up, and writes a little. A full disk may take that: it
  // shows that the store is well only together with a reserve that is held.
  virtual absl::Status Probe() = 0;
  virtual StoreReserve reserve() const = 0;
};

inline absl::Status StatusStore::ApplyTogether(
    std::span<const std::shared_ptr<const StoreBatch>> /*batches*/) {
  return absl::UnimplementedError("one batch at a time");
}

}  // namespace tidemark::sc
