// Names calls by what they do, so that those of different days can be compared: threads overlap,
// and the same call has not always the same number.
//
//   "sync tidemark/verdict.slots #2": the second sync of that file on this day
//
// Lifetime:  value type.
// Threading: confined.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/faults/fault_record.h"

namespace tidemark::faults {

struct NamedCall {
  std::uint64_t number = 0;
  Call call = Call::kNone;
  std::string path;
  std::uint32_t nth = 0;

  std::string name() const;
};

// In the order of their numbers. What is above the directories of `scope` is left out.
std::vector<NamedCall> NameCalls(std::vector<NotedCall> calls,
                                 const std::vector<std::string>& scope);

// Of a call that may have no note: it is the next of its kind after those noted before it.
NamedCall NameCall(const NotedCall& struck, const std::vector<NotedCall>& calls,
                   const std::vector<std::string>& scope);

// Without a number. nullopt: no such name.
std::optional<NamedCall> ParseCallName(std::string_view name);

}  // namespace tidemark::faults
