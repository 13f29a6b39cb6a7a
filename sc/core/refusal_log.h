// Counts what was refused, and says which refusals are worth a line of history.
//
// The first of its kind is; the same again within a minute only counts, so that a peer that repeats
// itself, or an attacker, cannot fill the store. The next line says how many there were.
//
// Threading: confined to the SC's loop.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"

namespace tidemark::sc {

class RefusalLog {
 public:
  static constexpr base::Duration kQuiet = std::chrono::minutes(1);
  static constexpr std::size_t kKinds = 1024;

  // Counts it. Returns how many of this kind were swallowed since the last line if this one is
  // worth a line, else nothing. `reason` is the short name, `subject` what it is about.
  std::optional<std::uint64_t> Add(const std::string& reason, const std::string& subject,
                                   base::MonotonicTime now);

  const std::map<std::string, std::uint64_t>& counts_by_reason() const { return counts_; }

 private:
  struct Kind {
    base::MonotonicTime line_at;
    std::uint64_t swallowed = 0;
  };
  std::map<std::string, std::uint64_t> counts_;
  std::map<std::string, Kind> kinds_;
};

}  // namespace tidemark::sc
