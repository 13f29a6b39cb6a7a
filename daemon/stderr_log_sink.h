// Writes events to a descriptor from a thread of its own, through a bounded queue.
//
// A blocked stderr (journald on a full disk) must not stop whoever logs: when the queue is full the
// oldest events are dropped and counted, and the count is logged when the descriptor moves again.
//
// Lifetime:  the destructor flushes for at most one second; a writer that is blocked in write(2) is
//            then left to the process's end.
// Threading: any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "daemon/log.h"

namespace tidemark::daemon {

enum class LogFormat : std::uint8_t { kAuto, kText, kJson };  // kAuto: text on a terminal

absl::StatusOr<LogFormat> ParseLogFormat(std::string_view text);  // "auto", "text", "json"

class StderrLogSink final : public LogSink {
 public:
  struct Options {
    LogFormat format = LogFormat::kAuto;
    LogLevel lowest = LogLevel::kInfo;
    std::size_t queue_events = 4096;
    int fd = 2;
  };

  explicit StderrLogSink(Options options);
  ~StderrLogSink() override;

  void Write(const LogEvent& event) override;

  // On reload.
  void SetLowest(LogLevel lowest) { lowest_.store(lowest); }
  std::uint64_t dropped() const;
  // True if everything written so far has left within `grace`.
  bool FlushWithin(base::Duration grace);

 private:
  struct Writer;

  const bool json_;
  std::atomic<LogLevel> lowest_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace tidemark::daemon
