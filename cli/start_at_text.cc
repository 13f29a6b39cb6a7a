#include "cli/start_at_text.h"

#include <charconv>
#include <chrono>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/byte_size.h"

namespace tidemark::cli {

using client::StartAt;

absl::StatusOr<StartAt> ParseStartAt(const std::string& text, base::WallMillis now) {
  if (text == "earliest") return StartAt{StartAt::Kind::kEarliest, 0};
  if (text == "latest") return StartAt{StartAt::Kind::kLatest, 0};
  std::int64_t offset = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, offset);
  if (error == std::errc() && rest == end && offset >= 0) {
    return StartAt{StartAt::Kind::kOffset, offset};
  }
  absl::Time time;
  std::string ignored;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &ignored)) {
    return StartAt{StartAt::Kind::kTime, absl::ToUnixMillis(time)};
  }
  if (const auto ago = base::ParseDuration(text); ago.ok()) {
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(*ago).count();
    return StartAt{StartAt::Kind::kTime, now - milliseconds};
  }
  return absl::InvalidArgumentError(absl::StrFormat(
      "--from '%s' is none of earliest, latest, an offset (1200), a time (2026-11-23T04:00:00Z), "
      "how long ago (15m)",
      text));
}

}  // namespace tidemark::cli
