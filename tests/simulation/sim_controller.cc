#include "tests/simulation/sim_controller.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "sc/core/view.h"

namespace tidemark::simulation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr base::Duration kTick = milliseconds(250);

std::uint64_t SessionOf(const sc::v1::AttachRequest& request) {
  switch (request.message_case()) {
    case sc::v1::AttachRequest::kReport:
      return request.report().session();
    case sc::v1::AttachRequest::kAssignmentsAck:
      return request.assignments_ack().session();
    case sc::v1::AttachRequest::kProgress:
      return request.progress().session();
    case sc::v1::AttachRequest::kHeartbeat:
      return request.heartbeat().session();
    case sc::v1::AttachRequest::kGoodbye:
      return request.goodbye().session();
    default:
      return 0;
  }
}

void SetSession(sc::v1::AttachRequest& request, std::uint64_t session) {
  if (request.has_report()) request.mutable_report()->set_session(session);
  if (request.has_assignments_ack()) request.mutable_assignments_ack()->set_session(session);
  if (request.has_progress()) request.mutable_progress()->set_session(session);
  if (request.has_heartbeat()) request.mutable_heartbeat()->set_session(session);
  if (request.has_goodbye()) request.mutable_goodbye()->set_session(session);
}

std::uint64_t Mix(std::uint64_t hash, std::uint64_t value) {
  return (hash ^ value) * 0x9E3779B97F4A7C15ULL + (hash >> 29);
}

}  // namespace

SimController::SimController(std::uint64_t seed, Mutation mutation,
                             const std::array<base::Uuid, kVolumes>& volumes, Scheduler& scheduler,
                             Wire& wire, Checker& checker)
    : mutation_(mutation),
      volumes_(volumes),
      scheduler_(scheduler),
      wire_(wire),
      checker_(checker),
      random_(seed) {
  store_.contents.cluster = {base::Uuid({0xcc}), 1};
  sc::TopicRecord topic;
  topic.name = "orders";
  topic.partitions = static_cast<std::int32_t>(kVolumes);
  store_.contents.topics.push_back(topic);
  for (std::size_t i = 0; i < kVolumes; ++i) {
    sc::PartitionRecord partition;
    partition.id = base::PartitionId(i + 1);
    partition.topic = topic.name;
    partition.index = static_cast<std::int32_t>(i);
    partition.spu_id = kSpuId;
    partition.volume = volumes_[i];
    partition.spec_version = 1;
    store_.contents.partitions.push_back(partition);
  }
  store_.contents.newest_partition_id = base::PartitionId(kVolumes);
}

void SimController::Boot() {
  ++starts_;
  scheduler_.NewIncarnation(Owner::kController);
  topics_ = std::make_unique<sc::TopicTable>(store_.contents);
  core_ = std::make_unique<sc::ControllerCore>(sc::ControllerOptions{}, store_.contents,
                                               topics_.get(), Now());
  enum_.fill(sc::v1::PARTITION_STATUS_OFFLINE);
  looked_.fill(0);
  Look();
  scheduler_.After(kTick, Owner::kController, [this] { Tick(); });
}

void SimController::Kill(bool seen) {
  if (!running()) return;
  core_.reset();
  topics_.reset();
  store_.Crash();
  asked_.clear();
  early_.clear();
  effects_to_live_.reset();
  scheduler_.NewIncarnation(Owner::kController);
  wire_.ControllerDied(seen);
}

void SimController::Tick() {
  Do(core_->Tick(Now()));
  if (running()) CheckSilence();
  if (running()) scheduler_.After(kTick, Owner::kController, [this] { Tick(); });
}

std::vector<std::size_t> SimController::ReportsIn(const sc::StoreBatch& batch) const {
  std::vector<std::size_t> found;
  for (const sc::VolumeRecord& row : batch.volumes) {
    for (std::size_t i = 0; i < kVolumes; ++i) {
      if (volumes_[i] != row.uuid) continue;
      const sc::VolumeState* state = volume(i);
      const bool same = state != nullptr &&
                        state->record.accepted.session() == row.accepted.session() &&
                        state->record.accepted.sequence() == row.accepted.sequence();
      if (!same && row.accepted.session() != 0) found.push_back(i);
    }
  }
  return found;
}

void SimController::MustNotBeUp(std::size_t index, const std::string& why) {
  const sc::VolumeState* state = volume(index);
  if (state == nullptr || state->reach != sc::v1::REACH_UP) return;
  checker_.Fail(absl::StrFormat("P1: volume %d is Up: %s", index, why));
}

// Silence means "last known": of whom nothing is heard, or is written down, nobody says Up.
void SimController::CheckSilence() {
  const base::Duration lease = sc::ControllerOptions{}.lease;
  const base::MonotonicTime now = scheduler_.now();
  for (std::size_t i = 0; i < kVolumes && now - heard_ > lease; ++i) {
    MustNotBeUp(i, "its SPU was silent for a lease");
  }
  for (const sc::Persist& persist : store_.queue) {
    const auto asked = asked_.find(persist.token);
    if (asked == asked_.end() || now - asked->second <= lease) continue;
    for (const std::size_t i : ReportsIn(persist.batch)) {
      MustNotBeUp(i, "the store has not answered for a lease");
    }
  }
}

void SimController::StreamOpened(sc::StreamId stream) { Do(core_->StreamOpened(stream, Now())); }

void SimController::StreamClosed(sc::StreamId stream) {
  if (!running()) return;
  if (mutation_ == Mutation::kOneEnum) {
    // Fluvio before its cure: an end of the connection overwrites whatever was there.
    enum_.fill(sc::v1::PARTITION_STATUS_LEADER_OFFLINE);
  }
  Do(core_->StreamClosed(stream, Now()));
}

std::uint64_t SimController::LiveSession() const {
  const auto spu = core_->spus().find(kSpuId);
  if (spu == core_->spus().end() || !spu->second.session || !spu->second.session->live) return 0;
  return spu->second.session->id.value();
}

const sc::VolumeState* SimController::volume(std::size_t index) const {
  const auto found = core_->volumes().find(volumes_[index]);
  return found == core_->volumes().end() ? nullptr : &found->second;
}

std::uint64_t SimController::VolumeFingerprint(std::size_t index) const {
  const sc::VolumeState* state = volume(index);
  if (state == nullptr) return 1;
  const sc::v1::Report& accepted = state->record.accepted;
  std::uint64_t hash = Mix(7, accepted.generation());
  hash = Mix(hash, static_cast<std::uint64_t>(accepted.device_faults_size()));
  hash = Mix(hash, state->synced);
  hash = Mix(hash, static_cast<std::uint64_t>(state->reach));
  hash = Mix(hash, accepted.sequence());
  hash = Mix(hash, state->taken_in.value());
  hash = Mix(hash, state->taken.size());
  return hash;
}

std::uint64_t SimController::Fingerprint() const {
  std::uint64_t hash = Mix(VolumeFingerprint(0), VolumeFingerprint(1));
  const auto spu = core_->spus().find(kSpuId);
  if (spu != core_->spus().end() && spu->second.session) {
    hash = Mix(hash, spu->second.session->id.value());
    hash = Mix(hash, spu->second.session->live);
  }
  return hash;
}

std::optional<sc::v1::AttachRequest> SimController::Mutate(sc::StreamId& stream,
                                                           const sc::v1::AttachRequest& message) {
  sc::v1::AttachRequest changed = message;
  const auto spu = core_->spus().find(kSpuId);
  if (spu == core_->spus().end()) return changed;
  if (mutation_ == Mutation::kNoSessionFence && !message.has_hello() && LiveSession() != 0) {
    SetSession(changed, LiveSession());
    stream = spu->second.session->stream;
  }
  if (mutation_ == Mutation::kNoHelloCounter && message.has_hello()) {
    sc::v1::Hello& hello = *changed.mutable_hello();
    if (hello.boot_count() <= spu->second.record.boot_count) {
      hello.set_boot_count(spu->second.record.boot_count);
      hello.set_boot_nonce(spu->second.record.boot_nonce);
      hello.set_attempt(spu->second.record.attempt + 1);
    }
  }
  if (message.has_report()) {
    sc::v1::Report& report = *changed.mutable_report();
    const auto uuid = base::Uuid::FromBytes(report.volume());
    const auto known = core_->volumes().find(*uuid);
    const bool live = report.session() == LiveSession();
    if (known == core_->volumes().end() || !live) return changed;
    const sc::v1::Report& held = known->second.record.accepted;
    if (mutation_ == Mutation::kNoGenerationCheck && report.generation() < held.generation()) {
      // What the core would refuse as old is taken for new.
      report.set_generation(held.generation() + 1);
      report.set_sequence(known->second.sequence + 1);
    }
    if (mutation_ == Mutation::kProofOfOpenEpisodeOnly && held.holds().has_space() &&
        !report.holds().has_space() && report.proof().episode() > held.holds().space().episode()) {
      return std::nullopt;
    }
  }
  return changed;
}

void SimController::Arrived(sc::StreamId stream, const sc::v1::AttachRequest& original) {
  const auto spu = core_->spus().find(kSpuId);
  const bool known = spu != core_->spus().end();
  const bool live = known && spu->second.session && spu->second.session->live &&
                    spu->second.session->stream == stream &&
                    spu->second.session->id.value() == SessionOf(original);
  bool old_hello = false;
  if (known && original.has_hello()) {
    const sc::SpuRecord& newest = spu->second.record;
    // Or of a copied disk, which was started as often as the newest.
    old_hello = std::pair(original.hello().boot_count(), original.hello().attempt()) <=
                    std::pair(newest.boot_count, newest.attempt) ||
                (original.hello().boot_count() == newest.boot_count &&
                 original.hello().boot_nonce() != newest.boot_nonce);
  }
  if (live || original.has_hello()) heard_ = scheduler_.now();
  const bool watched = (!live && !original.has_hello()) || old_hello;
  const std::uint64_t before = watched ? Fingerprint() : 0;

  sc::Effects effects;
  if (mutation_ == Mutation::kNone) {
    effects = core_->Receive(stream, original, Now());
  } else if (const auto mutated = Mutate(stream, original)) {
    effects = core_->Receive(stream, *mutated, Now());
  }
  if (watched) {
    const bool stores = std::any_of(effects.begin(), effects.end(), [](const sc::Effect& effect) {
      const auto* persist = std::get_if<sc::Persist>(&effect);
      return persist != nullptr && !persist->batch.volumes.empty();
    });
    if (stores || Fingerprint() != before) {
      checker_.Fail(
          absl::StrFormat("%s changed something: %s",
                          old_hello ? "P9: an old Hello" : "P8: a message of a dead session",
                          original.ShortDebugString()));
    }
  }
  Do(std::move(effects));
}

void SimController::Do(sc::Effects effects) {
  const std::uint64_t start = starts_;
  for (sc::Effect& effect : effects) {
    if (effects_to_live_ && (*effects_to_live_)-- <= 0) {
      Kill(random_.Chance(700));
      return;
    }
    DoOne(effect);
    if (!running() || start != starts_) return;
  }
  Look();
}

void SimController::DoOne(sc::Effect& effect) {
  if (auto* send = std::get_if<sc::Send>(&effect)) {
    if (send->message.has_welcome() &&
        send->message.welcome().session() > store_.contents.session.value() &&
        mutation_ == Mutation::kNone) {
      checker_.Fail("P8: a session is welcomed before its number is durable");
    }
    const bool refusal = send->message.has_nack() || (send->message.has_report_nack());
    if (mutation_ == Mutation::kSilentRefusal && refusal) return;
    wire_.SendToSpu(send->stream, std::move(send->message));
  } else if (auto* close = std::get_if<sc::CloseStream>(&effect)) {
    if (mutation_ == Mutation::kSilentRefusal) return;
    wire_.CloseByController(close->stream);
  } else if (auto* persist = std::get_if<sc::Persist>(&effect)) {
    const sc::StoreToken token = persist->token;
    asked_[token] = scheduler_.now();
    for (const std::size_t i : ReportsIn(persist->batch)) {
      const auto& row =
          *std::ranges::find(persist->batch.volumes, volumes_[i], &sc::VolumeRecord::uuid);
      if (row.accepted.session() == LiveSession() || mutation_ != Mutation::kNone) continue;
      checker_.Fail(absl::StrFormat("P8: volume %d: a report of session %d is stored in session %d",
                                    i, row.accepted.session(), LiveSession()));
    }
    store_.queue.push_back(std::move(*persist));
    if (mutation_ == Mutation::kPublishBeforePersist) {
      early_.push_back(token);
      scheduler_.After(microseconds(1), Owner::kController, [this] {
        const sc::StoreToken told = early_.front();
        early_.pop_front();
        Do(core_->StoreDone(told, absl::OkStatus(), Now()));
      });
    }
    const base::Duration hang = std::max(base::Duration(0), store_hangs_until_ - scheduler_.now());
    scheduler_.After(hang + microseconds(100) + random_.Within(milliseconds(12)),
                     Owner::kController, [this] { Commit(); });
  }
}

// In the order in which the batches were asked for, whenever one is due.
void SimController::Commit() {
  if (store_.queue.empty()) return;
  const bool fails = scheduler_.now() < store_fails_until_;
  const std::vector<std::size_t> reports = ReportsIn(store_.queue.front().batch);
  asked_.erase(store_.queue.front().token);
  const sc::StoreToken token = fails ? store_.Drop() : store_.Commit();
  if (store_.events.size() > 64) store_.events.clear();
  if (mutation_ == Mutation::kPublishBeforePersist) return;  // it was told already
  Do(core_->StoreDone(
      token, fails ? absl::UnavailableError("no space left for the store") : absl::OkStatus(),
      Now()));
  for (const std::size_t index : reports) {
    if (fails && running()) MustNotBeUp(index, "the store failed its last report");
  }
}

sc::v1::PartitionStatus SimController::StatusShown(std::size_t index,
                                                   const sc::PartitionRecord& partition,
                                                   std::uint64_t session) {
  const sc::VolumeState* state = volume(index);
  sc::v1::PartitionStatus status = sc::StatusOf(partition, state).status;
  if (mutation_ == Mutation::kReachPerSpu && state != nullptr && session != 0) {
    sc::VolumeState up = *state;
    up.reach = sc::v1::REACH_UP;
    status = sc::StatusOf(partition, &up).status;
  }
  if (mutation_ == Mutation::kReconnectMeansOnline && session != 0 && state != nullptr &&
      !state->synced) {
    status = sc::v1::PARTITION_STATUS_ONLINE;
  }
  if (mutation_ == Mutation::kTakenOnceIsTaken && state != nullptr && partition.acked_version > 0) {
    sc::VolumeState confirmed = *state;
    confirmed.taken_in = confirmed.session;
    confirmed.taken.insert(partition.id);
    status = sc::StatusOf(partition, &confirmed).status;
  }
  if (mutation_ == Mutation::kOneEnum) {
    // Told once, when a report arrives; and a connection that is back is Online again.
    if (state != nullptr && state->synced && session != 0) enum_[index] = status;
    if (enum_[index] == sc::v1::PARTITION_STATUS_LEADER_OFFLINE && session != 0) {
      enum_[index] = sc::v1::PARTITION_STATUS_ONLINE;
    }
    status = enum_[index];
  }
  return status;
}

// STATUS is a pure function of what is looked at here: where that is the same, so is the answer.
void SimController::Look() {
  const std::uint64_t session = LiveSession();
  topics_->VisitPartitions([&](const sc::PartitionRecord& partition) {
    const auto index = static_cast<std::size_t>(partition.index);
    std::uint64_t print = Mix(VolumeFingerprint(index), partition.acked_version);
    print = Mix(print, session);
    if (print == looked_[index] && mutation_ == Mutation::kNone) return;
    looked_[index] = print;
    const sc::VolumeState* state = volume(index);
    static const sc::v1::Report kNone;
    const sc::v1::PartitionStatus status = StatusShown(index, partition, session);
    checker_.Shown(index, state == nullptr ? kNone : state->record.accepted, status, session);
    checker_.PartitionShown(partition.id.value(), status, session);
  });
}

}  // namespace tidemark::simulation
