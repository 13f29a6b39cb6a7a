// The driver's side of the shim's log: plans faults, and reads what calls there were.
//
// Lifetime:  the file is removed when destroyed; daemons that still map it keep it alive.
// Threading: one driver; daemons write beside it.
// Errors:    errno statuses. Overflow (too many calls for the log) is told by Calls().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/integration/faults/fault_log.h"

namespace tidemark::faults {

// One call that ended, as the shim noted it.
struct NotedCall {
  Call call = Call::kNone;
  Deed deed = Deed::kNothing;
  int error_number = 0;
  std::uint64_t number = 0;
  std::uint64_t file = 0;  // 0: refused before it was known which
  std::int64_t position = 0;
  std::int64_t bytes = 0;
  std::uint64_t notes_before = 0;
  std::span<const unsigned char> written;  // valid until Clear()
  std::string path;
  bool done = false;  // false: the process died while it was being noted

  bool succeeded() const { return done && error_number == 0; }
  std::string ToString() const;  // "17 write reserve.file 4096 bytes at 0: No space left on device"
};

// What to do to one call, or from one call on.
struct PlannedFault {
  Deed deed = Deed::kNothing;
  std::uint64_t from = 0;
  std::uint32_t calls = kEveryCall;
  int error_number = 0;
  bool sticky = false;
  std::uint64_t stall_ms = 0;
  // If set, the first call to be struck is the nth such call of the file whose path ends so.
  Call only_call = Call::kNone;
  std::uint32_t only_nth = 0;
  std::string only_path;
};

class FaultRecord {
 public:
  // Makes `path`, writable for the daemons' user.
  static absl::StatusOr<std::unique_ptr<FaultRecord>> Create(const std::string& path);
  ~FaultRecord();
  FaultRecord(const FaultRecord&) = delete;
  FaultRecord& operator=(const FaultRecord&) = delete;

  // An empty log without a plan. No daemon may be running.
  void Clear();
  void SetPlan(std::uint32_t slot, const PlannedFault& fault);
  void DropPlan(std::uint32_t slot);  // what is stalled goes on
  std::uint64_t fired(std::uint32_t slot) const;
  std::uint64_t fired_at(std::uint32_t slot) const;
  // The first call that was struck, also one of which there is no note since it killed: what and
  // where, and its number. kNone: none was.
  NotedCall Struck(std::uint32_t slot) const;

  std::uint64_t calls() const;  // the newest call's number
  // How many calls have ended: a place in Calls().
  std::uint64_t position() const;
  // From `first` on. kOutOfRange if the log was too small for the day.
  absl::StatusOr<std::vector<NotedCall>> Calls(std::uint64_t first = 0) const;

  // What a daemon needs in order to be watched.
  std::vector<std::string> Environment(const std::string& library,
                                       const std::vector<std::string>& scope) const;

 private:
  FaultRecord(std::string path, FaultLog* log) : path_(std::move(path)), log_(log) {}

  const std::string path_;
  FaultLog* const log_;
};

std::string_view CallName(Call call);  // "write"

}  // namespace tidemark::faults
