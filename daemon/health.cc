#include "daemon/health.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/check.h"

namespace tidemark::daemon {
namespace {

std::string_view EndpointOf(HealthQuestion question) {
  switch (question) {
    case HealthQuestion::kLive:
      return "livez";
    case HealthQuestion::kReady:
      return "readyz";
    case HealthQuestion::kStarted:
      return "startupz";
  }
  return "healthz";
}

}  // namespace

void HealthRegistry::Add(std::string name, std::set<HealthQuestion> questions, HealthCheck check,
                         HealthNote note) {
  TM_CHECK(std::ranges::none_of(entries_, [&](const Entry& e) { return e.name == name; }));
  entries_.push_back(Entry{.name = std::move(name),
                           .questions = std::move(questions),
                           .check = std::move(check),
                           .note = std::move(note)});
}

bool HealthRegistry::Ok(HealthQuestion question) const {
  return std::ranges::all_of(entries_, [question](const Entry& entry) {
    return !entry.questions.contains(question) || !entry.check().has_value();
  });
}

HealthAnswer HealthRegistry::Ask(HealthQuestion question, bool verbose,
                                 const std::set<std::string>& exclude) const {
  HealthAnswer answer;
  std::string lines;
  std::set<std::string> unmatched = exclude;
  for (const Entry& entry : entries_) {
    if (!entry.questions.contains(question)) continue;
    if (unmatched.erase(entry.name) > 0) {
      lines += absl::StrFormat("[+]%s excluded: ok\n", entry.name);
      continue;
    }
    const std::optional<std::string> failure = entry.check();
    if (failure.has_value()) {
      answer.ok = false;
      lines += absl::StrFormat("[-]%s failed: %s\n", entry.name, *failure);
      continue;
    }
    const std::optional<std::string> note = entry.note ? entry.note() : std::nullopt;
    lines += absl::StrFormat("[+]%s ok%s\n", entry.name, note ? ": " + *note : "");
  }
  for (const std::string& name : unmatched) {
    lines += absl::StrFormat("warn: no check named \"%s\" to exclude\n", name);
  }
  const bool everything = verbose || !answer.ok;
  answer.text = everything ? absl::StrFormat("%s%s check %s\n", lines, EndpointOf(question),
                                             answer.ok ? "passed" : "failed")
                           : "ok\n";
  return answer;
}

HealthCheck LoopTurns(std::shared_ptr<const LoopHeartbeat> heartbeat, const base::Clock& clock,
                      base::Duration limit) {
  return [heartbeat = std::move(heartbeat), &clock, limit]() -> std::optional<std::string> {
    const base::Duration age = heartbeat->Age(clock.Now());
    if (age <= limit) return std::nullopt;
    return absl::StrFormat("the loop has not turned for %s, limit %s", base::FormatDuration(age),
                           base::FormatDuration(limit));
  };
}

}  // namespace tidemark::daemon
