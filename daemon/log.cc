#include "daemon/log.h"

#include <unistd.h>

#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "base/mutex.h"
#include "daemon/json_text.h"

namespace tidemark::daemon {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};

template <typename... Visitors>
struct Overload : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overload(Visitors...) -> Overload<Visitors...>;

// Quoted only where a reader could not tell where the value ends.
std::string TextValue(std::string_view value) {
  const bool plain =
      !value.empty() && value.find_first_of(" \t\n\r\"=\\") == std::string_view::npos;
  return plain ? std::string(value) : JsonString(value);
}

std::string NumberOr(double number, std::string_view not_finite) {
  return std::isfinite(number) ? absl::StrFormat("%.6g", number) : std::string(not_finite);
}

// Texts as `format_text` writes them; JSON has no NaN and no infinity.
std::string FormatValue(const LogField::Value& value, std::string (*format_text)(std::string_view),
                        std::string_view not_finite) {
  return std::visit(Overload{
                        [&](std::string_view text) { return format_text(text); },
                        [](std::int64_t number) { return absl::StrFormat("%d", number); },
                        [](std::uint64_t number) { return absl::StrFormat("%u", number); },
                        [&](double number) { return NumberOr(number, not_finite); },
                        [](bool flag) { return std::string(flag ? "true" : "false"); },
                    },
                    value);
}

class DirectStderrSink final : public LogSink {
 public:
  void Write(const LogEvent& event) override {
    const std::string line = FormatLogText(event) + "\n";
    [[maybe_unused]] const auto ignored = write(STDERR_FILENO, line.data(), line.size());
  }
};

struct Installed {
  base::Mutex mutex;
  std::shared_ptr<LogSink> sink TM_GUARDED_BY(mutex);
};

// Never destroyed: threads may log while the process ends.
Installed& TheInstalled() {
  static auto* const installed = new Installed;
  return *installed;
}

std::shared_ptr<LogSink> CurrentSink() {
  static auto* const fallback = new std::shared_ptr<LogSink>(std::make_shared<DirectStderrSink>());
  Installed& installed = TheInstalled();
  base::MutexLock lock(installed.mutex);
  return installed.sink != nullptr ? installed.sink : *fallback;
}

}  // namespace

std::string_view LogLevelName(LogLevel level) {
  return kLevelNames.at(static_cast<std::size_t>(level));
}

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view text) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == text) return static_cast<LogLevel>(i);
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s' is not a log level: debug, info, warn or error", text));
}

std::string FormatLogText(const LogEvent& event) {
  constexpr std::array<std::string_view, 4> kColumns = {"DEBUG", "INFO ", "WARN ", "ERROR"};
  std::string line =
      absl::StrFormat("%s %s %s", base::FormatWallTime(event.time),
                      kColumns.at(static_cast<std::size_t>(event.level)), event.name);
  for (const LogField& field : event.fields) {
    line += absl::StrFormat(" %s=%s", field.name(), FormatValue(field.value(), TextValue, "nan"));
  }
  return line;
}

std::string FormatLogJson(const LogEvent& event) {
  std::string line =
      absl::StrFormat(R"({"time":"%s","level":"%s","event":%s)", base::FormatWallTime(event.time),
                      LogLevelName(event.level), JsonString(event.name));
  for (const LogField& field : event.fields) {
    line += absl::StrFormat(",%s:%s", JsonString(field.name()),
                            FormatValue(field.value(), JsonString, "null"));
  }
  line += '}';
  return line;
}

void Log(LogLevel level, std::string_view event, std::span<const LogField> fields) {
  CurrentSink()->Write(LogEvent{
      .time = base::SystemClock().WallNow(), .level = level, .name = event, .fields = fields});
}

std::shared_ptr<LogSink> InstallLogSink(std::shared_ptr<LogSink> sink) {
  Installed& installed = TheInstalled();
  base::MutexLock lock(installed.mutex);
  return std::exchange(installed.sink, std::move(sink));
}

}  // namespace tidemark::daemon
