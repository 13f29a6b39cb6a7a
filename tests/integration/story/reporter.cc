#include "tests/integration/story/reporter.h"

#include <chrono>
#include <ostream>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark::story {
namespace {

double SecondsOf(base::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Reporter::Reporter(std::ostream& out, std::ostream& err, bool json, bool terminal)
    : out_(out), lines_(json ? err : out), json_(json), terminal_(terminal) {}

void Reporter::ClearProgress() {
  if (std::exchange(progress_open_, false)) lines_ << "\r\x1b[K";
}

void Reporter::BeginStep(const std::string& name, const std::string& title) {
  name_ = name;
  measured_ = cli::JsonObject();
  step_begun_ = clock_.Now();
  lines_ << absl::StrFormat("\n%d. %s\n", ++number_, title) << std::flush;
}

void Reporter::Note(std::string_view text) {
  ClearProgress();
  lines_ << absl::StrFormat("   %6.1fs  %s\n", SecondsOf(clock_.Now() - begun_), text)
         << std::flush;
}

void Reporter::Progress(std::string_view text) {
  const base::MonotonicTime now = clock_.Now();
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(1000);
  if (now - progress_shown_ < pause) return;
  progress_shown_ = now;
  if (!terminal_) return Note(text);
  lines_ << absl::StrFormat("\r\x1b[K   %6.1fs  %s", SecondsOf(now - begun_), text) << std::flush;
  progress_open_ = true;
}

void Reporter::EndStep(const absl::Status& status) {
  const double seconds = SecondsOf(clock_.Now() - step_begun_);
  if (!status.ok()) ok_ = false;
  Note(status.ok() ? absl::StrFormat("ok, %.1f s", seconds)
                   : absl::StrFormat("FAILED after %.1f s: %s", seconds, status.message()));
  cli::JsonObject step;
  step.Add("name", name_).Add("ok", status.ok()).Add("seconds", seconds);
  if (!status.ok()) step.Add("why", std::string_view(std::string(status.message())));
  const std::string measured = measured_.ToString();
  std::string object = step.ToString();
  if (measured.size() > 2) {
    object.pop_back();
    object += absl::StrFormat(",%s", measured.substr(1));
  }
  steps_ += absl::StrFormat("%s%s", steps_.empty() ? "" : ",", object);
}

void Reporter::Finish(const std::string& file_system) {
  const double seconds = SecondsOf(clock_.Now() - begun_);
  lines_ << absl::StrFormat("\n%s in %.1f s on %s\n",
                            ok_ ? "Every step was observed" : "THE STORY FAILED", seconds,
                            file_system)
         << std::flush;
  if (!json_) return;
  cli::JsonObject object;
  object.Add("ok", ok_).Add("seconds", seconds).Add("file_system", file_system);
  object.AddJson("steps", absl::StrFormat("[%s]", steps_));
  out_ << object.ToString() << std::endl;
}

}  // namespace tidemark::story
