// The controller's edge: owns the protocol core and the topics on the loop, and does what the core
// asks for: sends, persists on the store's thread, tells the watchers.
//
// Persist, then publish: nothing of a batch is visible to anybody before the store has it.
//
// Lifetime:  constructed before the services that use it, destroyed after the server has shut down.
// Threading: confined to the loop.
// Errors:    typed, through each call's `done`; a store that cannot persist is kUnavailable with
//            its reason (its disk being full says nothing about the caller's space).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "daemon/loop/event_loop.h"
#include "daemon/loop/timer.h"
#include "daemon/metrics.h"
#include "sc/controller_metrics.h"
#include "sc/core/controller_core.h"
#include "sc/core/topic_table.h"
#include "sc/store_thread.h"
#include "sc/watchers.h"

namespace tidemark::sc {

// One Attach stream, as the controller sees it.
class ControlPeer {
 public:
  virtual ~ControlPeer() = default;
  virtual void Send(v1::AttachResponse&& message) = 0;
  // After what was sent before has gone out.
  virtual void CloseWhenSent(const absl::Status& why) = 0;
  // At once, whatever is in flight.
  virtual void Cancel() = 0;
};

class Controller {
 public:
  template <typename T>
  using Done = absl::AnyInvocable<void(absl::StatusOr<T>)>;

  // `contents` is what `store` gave at Load().
  Controller(daemon::EventLoop& loop, const base::Clock& clock, const ControllerOptions& options,
             const StoreContents& contents, std::shared_ptr<StatusStore> store,
             std::shared_ptr<StoreHealth> health, daemon::MetricRegistry& metrics);

  // The Attach service. After Detach() `peer` is not called any more.
  StreamId Attach(ControlPeer* peer);
  void Receive(StreamId stream, const v1::AttachRequest& message);
  void Detach(StreamId stream);

  void CreateTopic(const v1::CreateTopicRequest& request, Done<v1::CreateTopicResponse> done);
  void DeleteTopic(const v1::DeleteTopicRequest& request, Done<v1::DeleteTopicResponse> done);
  void ReplaceSpu(const v1::ReplaceSpuRequest& request, Done<v1::ReplaceSpuResponse> done);
  void ListEvents(const EventQuery& query, Done<std::vector<EventRecord>> done);

  // Why nothing can be stored now; nullopt: it can.
  std::optional<std::string> StoreProblem() const { return store_.Problem(); }
  const ControllerCore& core() const { return core_; }
  const TopicTable& topics() const { return topics_; }
  Moment Now() const { return {clock_.Now(), clock_.WallNow()}; }
  Watchers& watchers() { return watchers_; }

  // Ends every stream and watch; new ones are refused.
  void Drain();
  // `done` once, when nothing waits for the store any more.
  void WhenIdle(absl::AnyInvocable<void()> done) { store_.WhenIdle(std::move(done)); }
  // The store hangs and the process must end: see StoreThread::Abandon().
  void AbandonStore() { store_.Abandon(); }
  bool StopWithin(base::Duration grace) { return store_.StopWithin(grace); }

 private:
  struct Peer {
    ControlPeer* peer;
    // When the core asked to close it; a peer that does not read is cancelled some time later.
    std::optional<base::MonotonicTime> closing_since;
  };

  void Do(Effects effects);
  void Do(Send& send);
  void Do(CloseStream& close);
  void Do(Persist& persist);
  void Do(Changed& changed);
  void Close(Peer& peer, const absl::Status& why);
  // A batch of the services: topics, not the protocol.
  void StoreTopics(StoreBatch batch, absl::AnyInvocable<void(absl::Status)> done);
  void PublishTopics(const StoreBatch& batch);
  EventRecord TopicEvent(const std::string& name, const std::string& topic, std::string reason);
  void Tick();
  void AskAgain(Moment moment);

  const base::Clock& clock_;
  TopicTable topics_;
  ControllerCore core_;
  StoreThread store_;
  ControllerMetrics metrics_;
  Watchers watchers_;
  std::map<StreamId, Peer> peers_;
  std::map<StoreToken, absl::AnyInvocable<void(absl::Status)>> when_stored_;
  StreamId newest_stream_;
  bool draining_ = false;
  base::MonotonicTime asked_again_at_;
  daemon::Timer tick_;
};

}  // namespace tidemark::sc
