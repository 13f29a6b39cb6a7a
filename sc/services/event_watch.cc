#include "sc/services/event_watch.h"

#include <string>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "daemon/rpc_error.h"

namespace tidemark::sc {
namespace {

constexpr std::size_t kQueuedEvents = 4096;
constexpr std::size_t kWatchQueueBytes = 4 * base::kMiB;
constexpr std::size_t kBytesPerMessage = base::kMiB;
constexpr std::int32_t kPage = 256;  // of the history

}  // namespace

void EventWatch::OnOpened() {
  controller_.watchers().Add(this);
  ReadHistory();
}

void EventWatch::ReadHistory() {
  EventQuery query;
  query.after_number = newest_queued_;
  query.limit = kPage;
  query.oldest = true;
  controller_.ListEvents(query, [this, alive = std::weak_ptr<bool>(alive_)](
                                    absl::StatusOr<std::vector<EventRecord>> history) {
    if (!alive.expired()) OnHistory(std::move(history));
  });
}

void EventWatch::OnHistory(absl::StatusOr<std::vector<EventRecord>> history) {
  if (ending()) return;
  if (!history.ok()) return End(daemon::ToGrpc(history.status()));
  // The store answers in the order it was asked: what was told to watchers before a page that is
  // not full is in it.
  reading_history_ = history->size() == kPage;
  for (const EventRecord& event : *history) Queue(event);
  Flush();
}

void EventWatch::OnEvents(std::span<const EventRecord> events) {
  if (ending() || reading_history_) return;  // durable: a later page has them
  for (const EventRecord& event : events) {
    Queue(event);
    if (queue_.size() <= kQueuedEvents && queued_bytes_ <= kWatchQueueBytes) continue;
    End({grpc::StatusCode::UNAVAILABLE,
         absl::StrFormat("this watcher is too slow: %d events wait; go on after number %d",
                         queue_.size(), newest_sent_)});
    queue_.clear();
    return;
  }
  Flush();
}

void EventWatch::Queue(const EventRecord& event) {
  if (ending() || event.number() <= newest_queued_) return;
  newest_queued_ = event.number();
  queued_bytes_ += event.ByteSizeLong();
  queue_.push_back(event);
}

void EventWatch::OnStopping() {
  End({grpc::StatusCode::UNAVAILABLE, "the controller is stopping"});
}

void EventWatch::Flush() {
  if (!writable()) return;
  if (queue_.empty()) {
    // The next page when the last one has gone out: a slow watcher costs one.
    if (reading_history_) ReadHistory();
    return;
  }
  v1::WatchEventsResponse response;
  std::size_t bytes = 0;
  while (!queue_.empty() && bytes < kBytesPerMessage) {
    const std::size_t size = queue_.front().ByteSizeLong();
    bytes += size;
    queued_bytes_ -= size;
    newest_sent_ = queue_.front().number();
    *response.add_events() = std::move(queue_.front());
    queue_.pop_front();
  }
  Write(std::move(response));
}

}  // namespace tidemark::sc
