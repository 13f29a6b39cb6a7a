// One line on stderr that says how far long work is. On a terminal it is rewritten in place,
// elsewhere a line every few seconds.
//
// Threading: confined.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "base/clock.h"

namespace tidemark::cli {

class ProgressLine {
 public:
  // `total` 0: unknown.
  ProgressLine(std::ostream& err, bool terminal, std::int64_t total, const base::Clock& clock);

  // Shows it if the last time was long enough ago.
  void Show(std::int64_t records, std::int64_t bytes);
  // Shows the last state and ends the line.
  void End(std::int64_t records, std::int64_t bytes);

 private:
  std::string Text(std::int64_t records, std::int64_t bytes) const;

  std::ostream& err_;
  bool terminal_;
  std::int64_t total_;
  const base::Clock& clock_;
  base::MonotonicTime begun_;
  base::MonotonicTime shown_;
};

}  // namespace tidemark::cli
