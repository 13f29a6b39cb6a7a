// What a run did and saw: counters by name, what was planned beside what fired, and violations.
//
// Lifetime:  value type.
// Threading: confined.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::disks {

struct Tally {
  std::map<std::string, std::int64_t> planned;  // faults and cures, by name
  std::map<std::string, std::int64_t> fired;
  std::map<std::string, std::int64_t> measured;  // "cycles", "reconnects", …
  std::vector<std::string> violations;

  void Plan(std::string_view name) { ++planned[std::string(name)]; }
  void Fire(std::string_view name) { ++fired[std::string(name)]; }
  void Count(std::string_view name, std::int64_t by = 1) { measured[std::string(name)] += by; }

  // Planned faults that did not all fire: the run shows nothing.
  std::vector<std::string> Missing() const;
  void Add(const Tally& other);

  // Line by line, for a pipe.
  std::string Serialize() const;
  static Tally Parse(std::string_view text);
};

}  // namespace tidemark::disks
