#include "daemon/stderr_log_sink.h"

#include <poll.h>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/mutex.h"

namespace tidemark::daemon {
namespace {

// A field can be long (an error with a path in it), a line must not be.
constexpr std::size_t kLongestLine = 4096;

// What the writer thread has done, kept alive by it when its owner has given it up.
struct Progress {
  base::Mutex mutex;
  base::CondVar changed;
  std::uint64_t written TM_GUARDED_BY(mutex) = 0;
};

std::string FormatLine(const LogEvent& event, bool json) {
  return json ? FormatLogJson(event) : FormatLogText(event);
}

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // somebody made the terminal non-blocking
      pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return;  // a closed stderr has nobody to be told
    }
  }
}

// The lines arrive finished; only spdlog's queue and thread are used, not its formatting.
class FdSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  FdSink(int fd, bool json, std::shared_ptr<Progress> progress)
      : fd_(fd), json_(json), progress_(std::move(progress)) {}

  // Before the first line. The queue outlives its thread, which is the only caller of this sink.
  void CountDropsOf(spdlog::details::thread_pool* queue) { queue_ = queue; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    TellDropped();
    WriteAll(fd_, std::string_view(message.payload.data(), message.payload.size()));
    base::MutexLock lock(progress_->mutex);
    ++progress_->written;
    progress_->changed.NotifyAll();
  }
  void flush_() override {}

  void TellDropped() {
    const std::size_t dropped = queue_->overrun_counter();
    if (dropped == dropped_told_) return;
    const LogField fields[] = {{"dropped", dropped - dropped_told_}, {"dropped_total", dropped}};
    dropped_told_ = dropped;
    const LogEvent event{.time = base::SystemClock().WallNow(),
                         .level = LogLevel::kWarn,
                         .name = "log.events_dropped",
                         .fields = fields};
    WriteAll(fd_, FormatLine(event, json_) + "\n");
  }

  const int fd_;
  const bool json_;
  const std::shared_ptr<Progress> progress_;
  spdlog::details::thread_pool* queue_ = nullptr;
  std::size_t dropped_told_ = 0;
};

}  // namespace

struct StderrLogSink::Writer {
  std::shared_ptr<Progress> progress;
  std::shared_ptr<spdlog::details::thread_pool> queue;
  std::shared_ptr<spdlog::async_logger> logger;
  std::atomic<std::uint64_t> queued{0};
};

absl::StatusOr<LogFormat> ParseLogFormat(std::string_view text) {
  if (text == "auto") return LogFormat::kAuto;
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s' is not a log format: auto, text or json", text));
}

StderrLogSink::StderrLogSink(Options options)
    : json_(options.format == LogFormat::kJson ||
            (options.format == LogFormat::kAuto && isatty(options.fd) == 0)),
      lowest_(options.lowest),
      writer_(std::make_unique<Writer>()) {
  writer_->progress = std::make_shared<Progress>();
  const auto sink = std::make_shared<FdSink>(options.fd, json_, writer_->progress);
  writer_->queue = std::make_shared<spdlog::details::thread_pool>(options.queue_events, 1);
  sink->CountDropsOf(writer_->queue.get());
  writer_->logger = std::make_shared<spdlog::async_logger>(
      "tidemark", sink, writer_->queue, spdlog::async_overflow_policy::overrun_oldest);
}

StderrLogSink::~StderrLogSink() {
  if (FlushWithin(std::chrono::seconds(1))) return;
  // spdlog's destructor would join a thread that is blocked in write(2): leave both to the end of
  // the process. The list keeps them reachable, so that a leak checker stays quiet.
  static auto* const blocked = new std::vector<std::unique_ptr<Writer>>;
  static auto* const mutex = new base::Mutex;
  base::MutexLock lock(*mutex);
  blocked->push_back(std::move(writer_));
}

void StderrLogSink::Write(const LogEvent& event) {
  if (event.level < lowest_.load(std::memory_order_relaxed)) return;
  std::string line = FormatLine(event, json_);
  if (line.size() > kLongestLine) {
    const LogField fields[] = {{"fields_omitted_bytes", line.size()}};
    line = FormatLine({event.time, event.level, event.name, fields}, json_);
  }
  line += '\n';
  writer_->queued.fetch_add(1);
  writer_->logger->log(spdlog::level::info, spdlog::string_view_t(line));
}

std::uint64_t StderrLogSink::dropped() const { return writer_->queue->overrun_counter(); }

bool StderrLogSink::FlushWithin(base::Duration grace) {
  Progress& progress = *writer_->progress;
  const auto deadline = std::chrono::steady_clock::now() + grace;
  const std::uint64_t target = writer_->queued.load();
  base::MutexLock lock(progress.mutex);
  // The queue drops its oldest, so the first `target` lines are either written or dropped.
  while (progress.written + dropped() < target) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= base::Duration(0)) return false;
    progress.changed.WaitFor(progress.mutex, left);
  }
  return true;
}

}  // namespace tidemark::daemon
