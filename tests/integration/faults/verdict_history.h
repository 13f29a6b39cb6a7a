// Every verdict that a volume's daemons have put on its disk, read out of the shim's notes, and
// whether the way from each to the next was allowed.
//
// Independent of the daemons: it sees only bytes that were written to the slots and syncs.
//
// Lifetime:  value type.
// Threading: confined.
// Errors:    what is forbidden is a finding, in words; see the table in README.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "monitor/verdict_record.h"
#include "storage/fs/slot_pair.h"
#include "tests/integration/faults/fault_record.h"

namespace tidemark::faults {

inline constexpr std::uint64_t kNever = ~0ULL;

struct WrittenVerdict {
  monitor::VerdictRecord record;
  std::uint64_t written_at = 0;       // place in the notes
  std::uint64_t durable_at = kNever;  // of the sync that covered it
  bool lost = false;                  // that sync failed, or the power went before any
};

class VerdictHistory {
 public:
  // Only notes about `slots_path`. A record cut short by a fault is none, one written in pieces is
  // one. At each of `power_cuts`
  // (places in the notes) what no sync had covered was lost.
  VerdictHistory(const std::vector<NotedCall>& calls, const std::string& slots_path,
                 const std::vector<std::uint64_t>& power_cuts);

  const std::vector<WrittenVerdict>& verdicts() const { return verdicts_; }

  // Transitions that no rule allows, one line each.
  std::vector<std::string> ForbiddenTransitions() const;
  // nullptr if it was not durable before the note at `position`.
  const WrittenVerdict* DurableGeneration(base::Generation generation,
                                          std::uint64_t position) const;
  // Was there a moment from `begin` to `end` at which the newest durable verdict held nothing?
  bool WasReady(std::uint64_t begin, std::uint64_t end) const;

 private:
  using Slot = std::array<std::byte, storage::kSlotBytes>;

  void OnWrite(const NotedCall& write, std::uint64_t at);
  void OnRecord(monitor::VerdictRecord record, std::uint64_t at);
  void OnSync(const NotedCall& sync, std::uint64_t at,
              const std::vector<std::uint64_t>& power_cuts);

  std::array<Slot, 2> slots_{};  // as the page cache has them
  std::vector<WrittenVerdict> verdicts_;
};

}  // namespace tidemark::faults
