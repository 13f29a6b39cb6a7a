// Tells the story while it happens: a line per event for a person, or one JSON object at the end.
//
// Lifetime:  outlives every Step.
// Threading: confined.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/clock.h"
#include "cli/json_object.h"

namespace tidemark::story {

class Reporter {
 public:
  // `json`: nothing but the object on `out`; the lines go to `err`.
  Reporter(std::ostream& out, std::ostream& err, bool json, bool terminal);

  void BeginStep(const std::string& name, const std::string& title);
  // Something happened.
  void Note(std::string_view text);
  // How far long work is; overwrites itself on a terminal, else at most one line a second.
  void Progress(std::string_view text);
  template <typename Value>
  void Measure(std::string_view name, Value value) {
    measured_.Add(name, value);
  }
  void EndStep(const absl::Status& status);

  // The last line, and the JSON.
  void Finish(const std::string& file_system);
  bool ok() const { return ok_; }

 private:
  void ClearProgress();

  std::ostream& out_;
  std::ostream& lines_;
  const bool json_;
  const bool terminal_;
  const base::SystemClock clock_;
  const base::MonotonicTime begun_ = clock_.Now();
  base::MonotonicTime step_begun_;
  base::MonotonicTime progress_shown_;
  bool progress_open_ = false;
  int number_ = 0;
  bool ok_ = true;
  std::string name_;
  std::string steps_;
  cli::JsonObject measured_;
};

}  // namespace tidemark::story
