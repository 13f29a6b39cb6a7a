#include "sc/controller.h"

#include <chrono>
#include <set>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "daemon/log.h"
#include "daemon/rpc_error.h"
#include "sc/core/placement_input.h"
#include "sc/core/view.h"

namespace tidemark::sc {
namespace {

// A peer that does not take what was sent before the close is cut after this.
constexpr base::Duration kCloseGrace = std::chrono::seconds(2);
constexpr base::Duration kAskAgain = std::chrono::seconds(2);

// The store's own full disk must not look like the caller's: kResourceExhausted is about volumes.
absl::Status StoreError(const absl::Status& status) {
  const std::string why(status.message());
  absl::Status error =
      absl::UnavailableError(absl::StrFormat("the controller cannot persist: %s", why));
  v1::StoreProblem problem;
  problem.set_why(why);
  daemon::AttachDetail(error, problem.GetTypeName(), problem.SerializeAsString());
  return error;
}

}  // namespace

Controller::Controller(daemon::EventLoop& loop, const base::Clock& clock,
                       const ControllerOptions& options, const StoreContents& contents,
                       std::shared_ptr<StatusStore> store, std::shared_ptr<StoreHealth> health,
                       daemon::MetricRegistry& metrics)
    : clock_(clock),
      topics_(contents),
      core_(options, contents, &topics_, Now()),
      store_(loop, std::move(store), std::move(health), metrics),
      metrics_(metrics),
      tick_(loop, [this] { Tick(); }) {
  tick_.StartPeriodic(options.heartbeat / 4);
}

StreamId Controller::Attach(ControlPeer* peer) {
  ++newest_stream_;
  Peer& entry = peers_.emplace(newest_stream_, Peer{peer, std::nullopt}).first->second;
  if (draining_) {
    Close(entry, absl::UnavailableError("the controller is stopping"));
  } else {
    Do(core_.StreamOpened(newest_stream_, Now()));
  }
  return newest_stream_;
}

void Controller::Receive(StreamId stream, const v1::AttachRequest& message) {
  if (!draining_) Do(core_.Receive(stream, message, Now()));
}

void Controller::Detach(StreamId stream) {
  peers_.erase(stream);
  Do(core_.StreamClosed(stream, Now()));
}

void Controller::Do(Effects effects) {
  for (Effect& effect : effects) {
    std::visit([this](auto& one) { Do(one); }, effect);
  }
}

void Controller::Do(Send& send) {
  const auto found = peers_.find(send.stream);
  if (found != peers_.end()) found->second.peer->Send(std::move(send.message));
}

void Controller::Do(CloseStream& close) {
  const auto found = peers_.find(close.stream);
  if (found != peers_.end()) Close(found->second, close.why);
}

void Controller::Close(Peer& peer, const absl::Status& why) {
  if (peer.closing_since.has_value()) return;
  peer.closing_since = clock_.Now();
  peer.peer->CloseWhenSent(why);
}

void Controller::Do(Persist& persist) {
  auto batch = std::make_shared<const StoreBatch>(std::move(persist.batch));
  store_.Apply(batch, [this, batch, token = persist.token](const absl::Status& status) {
    auto effects = core_.StoreDone(token, status, Now());
    core_.StoreIs(store_.problem());
    Do(std::move(effects));
    if (status.ok() && !batch->events.empty()) {
      metrics_.CountEvents(batch->events.size());
      watchers_.ForEach([&](Watcher& watcher) { watcher.OnEvents(batch->events); });
    }
    if (auto waiting = when_stored_.extract(token)) waiting.mapped()(status);
  });
}

void Controller::Do(Changed& changed) {
  watchers_.ForEach([&](Watcher& watcher) { watcher.OnVolumesChanged(changed.volumes); });
}

void Controller::StoreTopics(StoreBatch batch, absl::AnyInvocable<void(absl::Status)> done) {
  auto shared = std::make_shared<const StoreBatch>(std::move(batch));
  auto shared_done = std::make_shared<absl::AnyInvocable<void(absl::Status)>>(std::move(done));
  store_.Apply(shared, [this, shared, shared_done](const absl::Status& status) {
    core_.StoreIs(store_.problem());
    if (status.ok()) {
      PublishTopics(*shared);
      (*shared_done)(absl::OkStatus());
    } else {
      topics_.Abandon(*shared);
      // What was acknowledged meanwhile of partitions that stay was not taken.
      for (const std::string& spu_id : topics_.SpusOf(*shared)) {
        Do(core_.AssignmentsChanged(spu_id, Now()));
      }
      (*shared_done)(StoreError(status));
    }
  });
}

void Controller::PublishTopics(const StoreBatch& batch) {
  topics_.Apply(batch);
  for (const std::string& spu_id : topics_.SpusOf(batch)) {
    Do(core_.AssignmentsChanged(spu_id, Now()));
  }
  std::set<base::Uuid> volumes;
  for (const PartitionRecord& partition : batch.partitions) volumes.insert(partition.volume);
  metrics_.CountEvents(batch.events.size());
  watchers_.ForEach([&](Watcher& watcher) {
    watcher.OnVolumesChanged({volumes.begin(), volumes.end()});
    watcher.OnPartitionsDeleted(batch.tombstones);
    watcher.OnEvents(batch.events);
  });
}

EventRecord Controller::TopicEvent(const std::string& name, const std::string& topic,
                                   std::string reason) {
  EventRecord event;
  event.set_number(core_.TakeEventNumber());
  event.set_at_unix_ms(clock_.WallNow());
  event.set_name(name);
  event.set_subject(topic);
  event.set_reason(std::move(reason));
  return event;
}

void Controller::CreateTopic(const v1::CreateTopicRequest& request,
                             Done<v1::CreateTopicResponse> done) {
  const std::string& name = request.name();
  absl::Status checked = topics_.CheckCreate(name, request.partitions(), request.policy());
  if (!checked.ok()) return done(std::move(checked));
  const auto choices =
      PlacePartitions(PlacementInput(core_.volumes(), topics_), request.partitions());
  if (!choices.ok()) {
    // The volumes are not Up because of it: say what has to be mended.
    if (!core_.store_status().ok()) return done(StoreError(core_.store_status()));
    return done(absl::Status(
        choices.status().code(),
        absl::StrFormat("create topic '%s': %s", name, std::string(choices.status().message()))));
  }
  auto batch = topics_.PlanCreate(name, request.policy(), *choices, clock_.WallNow());
  if (!batch.ok()) return done(batch.status());
  batch->events.push_back(
      TopicEvent("topic.created", name, absl::StrFormat("%d partitions", request.partitions())));
  StoreTopics(*std::move(batch), [this, name, done = std::move(done)](absl::Status stored) mutable {
    if (!stored.ok()) return done(std::move(stored));
    v1::CreateTopicResponse response;
    for (v1::Topic& topic : topics_.Topics()) {
      if (topic.name() == name && !topic.deleting()) *response.mutable_topic() = std::move(topic);
    }
    for (v1::Partition& partition : ViewPartitions(core_, topics_, name)) {
      *response.add_partitions() = std::move(partition);
    }
    done(std::move(response));
  });
}

void Controller::DeleteTopic(const v1::DeleteTopicRequest& request,
                             Done<v1::DeleteTopicResponse> done) {
  auto batch = topics_.PlanDelete(request.name(), clock_.WallNow());
  if (!batch.ok()) return done(batch.status());
  const auto partitions = static_cast<std::int32_t>(batch->deleted_partitions.size());
  batch->events.push_back(
      TopicEvent("topic.deleted", request.name(), absl::StrFormat("%d partitions", partitions)));
  StoreTopics(*std::move(batch), [partitions, done = std::move(done)](absl::Status stored) mutable {
    if (!stored.ok()) return done(std::move(stored));
    v1::DeleteTopicResponse response;
    response.set_partitions(partitions);
    done(std::move(response));
  });
}

void Controller::ReplaceSpu(const v1::ReplaceSpuRequest& request,
                            Done<v1::ReplaceSpuResponse> done) {
  const auto spu = core_.spus().find(request.spu_id());
  v1::ReplaceSpuResponse response;
  if (spu != core_.spus().end()) response.set_old_uuid(spu->second.record.uuid.ToString());
  auto effects = core_.AllowReplace(request.spu_id(), Now());
  if (!effects.ok()) return done(effects.status());
  const Persist* last = nullptr;
  for (const Effect& effect : *effects) {
    if (const auto* persist = std::get_if<Persist>(&effect)) last = persist;
  }
  if (last == nullptr) {
    done(std::move(response));  // it was allowed already
  } else {
    when_stored_.emplace(last->token,
                         [response, done = std::move(done)](const absl::Status& stored) mutable {
                           if (!stored.ok()) return done(StoreError(stored));
                           done(std::move(response));
                         });
  }
  Do(*std::move(effects));
}

void Controller::ListEvents(const EventQuery& query, Done<std::vector<EventRecord>> done) {
  store_.Events(query,
                [done = std::move(done)](absl::StatusOr<std::vector<EventRecord>> events) mutable {
                  if (!events.ok()) return done(StoreError(events.status()));
                  done(std::move(events));
                });
}

void Controller::Tick() {
  const Moment moment = Now();
  core_.StoreIs(store_.problem());
  if (!draining_) {
    Do(core_.Tick(moment));
    AskAgain(moment);
  }
  store_.Tick(moment.now);
  metrics_.Update(core_, topics_, watchers_.size(), moment.now);
  for (auto& [stream, peer] : peers_) {
    if (peer.closing_since.has_value() && moment.now - *peer.closing_since > kCloseGrace) {
      peer.peer->Cancel();
    }
  }
}

// A refusal is an answer, so the core is done with it; but its reason may have gone meanwhile.
void Controller::AskAgain(Moment moment) {
  if (moment.now - asked_again_at_ < kAskAgain) return;
  asked_again_at_ = moment.now;
  for (const std::string& spu_id : topics_.SpusThatRefused()) {
    Do(core_.AssignmentsChanged(spu_id, moment));
  }
}

void Controller::Drain() {
  draining_ = true;
  for (auto& [stream, peer] : peers_) {
    Close(peer, absl::UnavailableError("the controller is stopping"));
  }
  watchers_.ForEach([](Watcher& watcher) { watcher.OnStopping(); });
}

}  // namespace tidemark::sc
