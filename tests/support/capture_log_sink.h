// Keeps what the code under test logs.
//
//   CaptureLogSink log;
//   …
//   EXPECT_THAT(log.lines(), Contains(HasSubstr("volume.episode_began volume=a")));
//
// Lifetime:  installs itself; the destructor puts the former sink back.
// Threading: any thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "daemon/log.h"

namespace tidemark::support {

class CaptureLogSink {
 public:
  CaptureLogSink() : sink_(std::make_shared<Sink>()), former_(daemon::InstallLogSink(sink_)) {}
  ~CaptureLogSink() { daemon::InstallLogSink(std::move(former_)); }
  CaptureLogSink(const CaptureLogSink&) = delete;
  CaptureLogSink& operator=(const CaptureLogSink&) = delete;

  // "INFO  event field=value …", without the time.
  std::vector<std::string> lines() const {
    base::MutexLock lock(sink_->mutex);
    return sink_->lines;
  }

 private:
  struct Sink final : daemon::LogSink {
    void Write(const daemon::LogEvent& event) override {
      const std::string text = daemon::FormatLogText(event);
      base::MutexLock lock(mutex);
      lines.push_back(text.substr(text.find(' ') + 1));
    }
    mutable base::Mutex mutex;
    std::vector<std::string> lines TM_GUARDED_BY(mutex);
  };

  std::shared_ptr<Sink> sink_;
  std::shared_ptr<daemon::LogSink> former_;
};

}  // namespace tidemark::support
