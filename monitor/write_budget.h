// The ledger that keeps our own writes away from ENOSPC: nothing is allocated without a grant.
//
//   budget = available(reading) − full mark − allocations that reading may not show yet
//
// A reading shows for certain only allocations completed before it started; space freed counts only
// when a reading shows it. So no order of late frees and late allocations can make us promise space
// that we took already. Bytes and inodes alike. The budget is a lease: it ends with its reading.
//
// Lifetime:  value type, holds no references.
// Threading: confined to the owner's loop.
// Errors:    Request() → BudgetRefusal with the numbers. Unknown grants are our own broken
//            invariant (TM_CHECK).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/strong_int.h"
#include "monitor/marks.h"
#include "monitor/space_reading.h"

namespace tidemark::monitor {

using GrantId = base::StrongInt<struct GrantIdTag, std::uint64_t>;

struct BudgetSnapshot {
  bool valid = false;  // there is a reading and its lease runs
  std::int64_t bytes = 0;
  std::int64_t inodes = 0;  // meaningless where inodes are not counted
  bool counts_inodes = false;
  base::MonotonicTime reading_started;
};

struct BudgetRefusal {
  enum class Reason : std::uint8_t { kNoReading, kLeaseOut, kBytes, kInodes };
  Reason reason = Reason::kNoReading;
  std::int64_t wanted_bytes = 0;
  std::int64_t wanted_inodes = 0;
  std::int64_t available_bytes = 0;
  std::int64_t full_bytes = 0;
  std::int64_t unseen_bytes = 0;  // allocated or being allocated, not in the reading yet
  std::int64_t available_inodes = 0;
  std::int64_t full_inodes = 0;
  std::int64_t unseen_inodes = 0;

  std::string ToString() const;
};

class WriteBudget {
 public:
  using Answer = std::variant<GrantId, BudgetRefusal>;

  explicit WriteBudget(const Marks& marks);

  void SetMarks(const Marks& marks);
  // A reading that did not start after the last one is ignored.
  void OnReading(const SpaceReading& reading, base::MonotonicTime lease_until);
  // Forgets the reading: nothing is granted until the next one.
  void Invalidate();

  // Ask before the system call. `bytes` and `inodes` are the most it can take.
  Answer Request(std::int64_t bytes, std::int64_t inodes, base::MonotonicTime now);
  // The allocation is done and synced. Readings started after `now` show it.
  void Complete(GrantId grant, base::MonotonicTime now);
  // The allocation failed, and what it left behind (partial extents) is removed again.
  void Abandon(GrantId grant);

  BudgetSnapshot Snapshot(base::MonotonicTime now) const;
  // Granted, and perhaps not in the reading yet.
  std::int64_t unseen_bytes() const { return unseen_bytes_; }
  const std::optional<SpaceReading>& reading() const { return reading_; }
  base::MonotonicTime lease_until() const { return lease_until_; }

 private:
  struct Allocation {
    GrantId grant;
    std::int64_t bytes = 0;
    std::int64_t inodes = 0;
    std::optional<base::MonotonicTime> completed;
  };

  std::vector<Allocation>::iterator Find(GrantId grant);

  std::int64_t full_bytes_ = 0;
  std::int64_t full_inodes_ = 0;
  std::optional<SpaceReading> reading_;
  base::MonotonicTime lease_until_;
  GrantId last_grant_;
  std::vector<Allocation> allocations_;  // that the reading may not show
  std::int64_t unseen_bytes_ = 0;
  std::int64_t unseen_inodes_ = 0;
};

}  // namespace tidemark::monitor
