#include "sc/core/refusal_log.h"

namespace tidemark::sc {

std::optional<std::uint64_t> RefusalLog::Add(const std::string& reason, const std::string& subject,
                                             base::MonotonicTime now) {
  ++counts_[reason];
  std::string key = reason + '\n' + subject;
  // Subjects are chosen by the peer: their number is bounded, the rest share one kind per reason.
  if (!kinds_.contains(key) && kinds_.size() >= kKinds) {
    std::erase_if(kinds_, [now](const auto& kind) { return now - kind.second.line_at >= kQuiet; });
    if (kinds_.size() >= kKinds) key = reason;
  }
  const auto [kind, first] = kinds_.try_emplace(key);
  if (!first && now - kind->second.line_at < kQuiet) {
    ++kind->second.swallowed;
    return std::nullopt;
  }
  const std::uint64_t swallowed = kind->second.swallowed;
  kind->second = {.line_at = now, .swallowed = 0};
  return swallowed;
}

}  // namespace tidemark::sc
