// One WatchEvents call: the history after a number, then each event as it becomes durable.
//
// Unlike a state, a history has no shortcut: it is read in order, page by page, as the watcher
// takes it. One that has caught up and then falls too far behind is dropped with the number to go
// on from.
//
// Lifetime:  deletes itself (WatchStream).
// Threading: as WatchStream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "sc/controller.h"
#include "sc/services/watch_stream.h"
#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::sc {

class EventWatch final : public WatchStream<v1::WatchEventsResponse>, private Watcher {
 public:
  EventWatch(daemon::EventLoop& loop, Controller& controller, std::uint64_t after_number)
      : WatchStream(loop), controller_(controller), newest_queued_(after_number) {}

 private:
  void OnOpened() override;
  void OnWritable() override { Flush(); }
  void OnClosed() override { controller_.watchers().Remove(this); }

  void OnVolumesChanged(const std::vector<base::Uuid>&) override {}
  void OnPartitionsDeleted(std::span<const Tombstone>) override {}
  void OnEvents(std::span<const EventRecord> events) override;
  void OnStopping() override;

  void ReadHistory();
  void OnHistory(absl::StatusOr<std::vector<EventRecord>> history);
  void Queue(const EventRecord& event);
  void Flush();

  Controller& controller_;
  // Page by page; what becomes durable meanwhile is read with it.
  bool reading_history_ = true;
  std::deque<EventRecord> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t newest_queued_;
  std::uint64_t newest_sent_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidemark::sc
