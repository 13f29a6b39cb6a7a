// What came of all cases: for a person, and as one JSON object.
//
// Lifetime:  value type.
// Threading: confined.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "tests/integration/disks/tally.h"

namespace tidemark::disks {

class DisksReport {
 public:
  explicit DisksReport(std::uint64_t seed) : seed_(seed) {}

  // `said`: a serialized tally, or "skipped REASON".
  void Take(std::string_view case_name, std::string_view said);
  // Fewer, in what ran: the run shows not enough.
  void WantReconnects(std::int64_t least);

  int exit_code() const;
  void Print(std::ostream& out) const;
  std::string Json() const;

 private:
  struct Skip {
    std::string name;
    std::string why;
  };
  std::int64_t Measured(const std::string& name) const;
  std::int64_t Fired(const std::string& name) const;
  double seconds() const;

  const std::uint64_t seed_;
  const base::SystemClock clock_;
  const base::MonotonicTime begun_ = clock_.Now();
  Tally total_;
  std::vector<Skip> skipped_;
  std::vector<std::string> void_;  // why this run shows nothing
  int ran_ = 0;
};

}  // namespace tidemark::disks
