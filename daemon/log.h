// Events with a stable name and typed fields, for people and for machines.
//
//   Log(LogLevel::kWarn, "volume.episode_began", {{"volume", id}, {"available_bytes", available}});
//
// Names are `noun.what_happened`, fields carry their unit. An error is logged once, where it is
// handled. Where events go is one sink for the process; until a daemon installs its own
// (stderr_log_sink.h) they go to stderr, synchronously, as text.
//
// Threading: any thread.
// Errors:    logging cannot fail; a sink drops and counts.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"

namespace tidemark::daemon {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

std::string_view LogLevelName(LogLevel level);  // "debug", "info", "warn", "error"
absl::StatusOr<LogLevel> ParseLogLevel(std::string_view text);

class LogField {
 public:
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  LogField(std::string_view name, std::string_view value) : name_(name), value_(value) {}
  LogField(std::string_view name, const char* value) : name_(name), value_(value) {}
  LogField(std::string_view name, const std::string& value) : name_(name), value_(value) {}
  LogField(std::string_view name, absl::string_view value)
      : name_(name), value_(std::string_view(value.data(), value.size())) {}
  LogField(std::string_view name, bool value) : name_(name), value_(value) {}
  LogField(std::string_view name, double value) : name_(name), value_(value) {}
  template <std::signed_integral T>
  LogField(std::string_view name, T value) : name_(name), value_(std::int64_t{value}) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) LogField(std::string_view name, T value)
      : name_(name), value_(std::uint64_t{value}) {}

  std::string_view name() const { return name_; }
  const Value& value() const { return value_; }

 private:
  std::string_view name_;  // both views live as long as the Log() call
  Value value_;
};

struct LogEvent {
  base::WallMillis time;
  LogLevel level;
  std::string_view name;
  std::span<const LogField> fields;
};

// 2026-11-23T03:44:44.123Z WARN  volume.episode_began volume=a available_bytes=1024
std::string FormatLogText(const LogEvent& event);
// {"time":"2026-…","level":"warn","event":"volume.episode_began","volume":"a",…}
std::string FormatLogJson(const LogEvent& event);

class LogSink {
 public:
  virtual ~LogSink() = default;
  // From any thread; must not block.
  virtual void Write(const LogEvent& event) = 0;
};

void Log(LogLevel level, std::string_view event, std::span<const LogField> fields);
inline void Log(LogLevel level, std::string_view event,
                std::initializer_list<LogField> fields = {}) {
  Log(level, event, std::span(fields.begin(), fields.size()));
}

// Returns the sink that was installed before; null means the synchronous default.
std::shared_ptr<LogSink> InstallLogSink(std::shared_ptr<LogSink> sink);

}  // namespace tidemark::daemon
