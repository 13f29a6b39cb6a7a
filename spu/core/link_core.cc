#include "spu/core/link_core.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_format.h"
#include "daemon/control/verdict_digest.h"

namespace tidemark::spu {
namespace {

constexpr base::Duration kDefaultLease = std::chrono::seconds(3);
constexpr base::Duration kGreetingMax = std::chrono::seconds(5);
constexpr base::Duration kGreetingTaken = std::chrono::seconds(15);

}  // namespace

LinkCore::LinkCore(LinkOptions options, const IdentityRecord& identity)
    : options_(std::move(options)),
      identity_(identity),
      durable_identity_(identity),
      backoff_(options_.backoff_seed) {
  SetLease(kDefaultLease);
}

// When a fault is over, SC and SPU agree again within a lease and two seconds. The last try may
// have begun in the fault and be lost (half-open), and a wait follows it: both together take a
// lease and one second at most, which leaves one to attach and report.
void LinkCore::SetLease(base::Duration lease) {
  lease_ = lease;
  backoff_.LimitTo(lease / 2);
}

// A controller that has taken the call and does not answer is flooded, by us among others: to give
// up and come again would cost it more.
base::Duration LinkCore::GreetingTimeout() const {
  if (taken_) return kGreetingTaken;
  return std::min({lease_, lease_ / 2 + std::chrono::seconds(1), kGreetingMax});
}

LinkEffects LinkCore::AddVolume(const base::Uuid& volume, const std::string& path,
                                base::MonotonicTime now) {
  const bool added = reports_.Add(volume, path);
  if (added && (state_ == State::kGreeting || state_ == State::kAttached)) {
    Disconnect(absl::StrFormat("volume %s was added", volume.ToString()), now);
  }
  return std::exchange(effects_, {});
}

LinkEffects LinkCore::SetReport(sc::v1::Report report, base::MonotonicTime now) {
  const base::Uuid volume = base::Uuid::FromBytes(report.volume()).value_or(base::Uuid());
  const bool urgent = reports_.Set(volume, std::move(report));
  ReportQueue::Entry* entry = reports_.Find(volume);
  if (const auto known = std::exchange(entry->known, std::nullopt)) CompareWithKnown(*known);
  if (urgent && entry->sendable() && state_ == State::kAttached) SendReport(volume, now);
  return std::exchange(effects_, {});
}

void LinkCore::SetProgress(std::vector<sc::v1::PartitionProgress> partitions) {
  progress_ = std::move(partitions);
}

LinkEffects LinkCore::AcknowledgeAssignments(sc::v1::AssignmentsAck ack) {
  if (state_ == State::kAttached) {
    sc::v1::AttachRequest message;
    ack.set_session(session_.value());
    *message.mutable_assignments_ack() = std::move(ack);
    Emit(std::move(message));
  }
  return std::exchange(effects_, {});
}

void LinkCore::StreamTaken(LinkStreamId stream) {
  if (IsLive(stream)) taken_ = true;
}

LinkEffects LinkCore::StreamClosed(LinkStreamId stream, const std::string& why,
                                   base::MonotonicTime now) {
  if (IsLive(stream)) {
    effects_.clear();
    EndStream(why);
    Retry(base::Duration(0), now);
  }
  return std::exchange(effects_, {});
}

LinkEffects LinkCore::IdentityNotPersisted(const std::string& why, base::MonotonicTime now) {
  // Without it we could follow another cluster after a restart.
  Grumble(absl::StrFormat("cannot persist the cluster's identity: %s", why));
  if (IsLive(stream_)) Disconnect(why, now);
  identity_ = durable_identity_;
  identity_unknown_ = true;
  return std::exchange(effects_, {});
}

LinkEffects LinkCore::Tick(base::MonotonicTime now) {
  switch (state_) {
    case State::kIdle:
      if (now >= retry_at_) Connect(now);
      break;
    case State::kGreeting:
      if (now - opened_at_ >= GreetingTimeout()) Disconnect("no Welcome in time", now);
      break;
    case State::kAttached:
      if (now - heard_at_ >= lease_) {
        Disconnect("the controller is silent", now);
        break;
      }
      TickAttached(now);
      break;
    case State::kStopped:
      break;
  }
  return std::exchange(effects_, {});
}

void LinkCore::TickAttached(base::MonotonicTime now) {
  const bool heartbeat = now - heartbeat_at_ >= heartbeat_;
  for (const base::Uuid& volume : reports_.Due(now, options_.resend, heartbeat)) {
    SendReport(volume, now);
  }
  if (heartbeat) SendHeartbeat(now);
}

LinkEffects LinkCore::Stop() {
  if (state_ == State::kAttached) {
    sc::v1::AttachRequest message;
    message.mutable_goodbye()->set_session(session_.value());
    Emit(std::move(message));
  }
  if (state_ == State::kAttached || state_ == State::kGreeting) {
    effects_.emplace_back(CloseLinkStream{stream_, "stopping"});
  }
  EndStream("stopping");
  state_ = State::kStopped;
  return std::exchange(effects_, {});
}

base::MonotonicTime LinkCore::NextTick() const {
  switch (state_) {
    case State::kIdle:
      return retry_at_;
    case State::kGreeting:
      return opened_at_ + GreetingTimeout();
    case State::kAttached:
      break;
    case State::kStopped:
      return base::MonotonicTime(base::Duration::max());
  }
  base::MonotonicTime next = std::min(heard_at_ + lease_, heartbeat_at_ + heartbeat_);
  for (const auto& [volume, entry] : reports_.entries()) {
    if (!entry.sendable() || entry.acknowledged) continue;
    next = std::min(next, entry.sent_at + options_.resend);
  }
  return next;
}

void LinkCore::Connect(base::MonotonicTime now) {
  ++attempt_;
  ++newest_stream_;
  stream_ = newest_stream_;
  state_ = State::kGreeting;
  opened_at_ = now;
  taken_ = false;
  effects_.emplace_back(OpenStream{stream_});

  sc::v1::AttachRequest message;
  sc::v1::Hello* hello = message.mutable_hello();
  hello->set_spu_uuid(identity_.spu_uuid.ToBytes());
  hello->set_spu_id(options_.spu_id);
  hello->set_boot_count(identity_.boot_count);
  hello->set_boot_nonce(options_.boot_nonce);
  hello->set_attempt(attempt_);
  hello->set_grpc_endpoint(options_.grpc_endpoint);
  hello->set_http_endpoint(options_.http_endpoint);
  hello->set_version(options_.version);
  for (const auto& [volume, entry] : reports_.entries()) {
    sc::v1::HelloVolume* named = hello->add_volumes();
    named->set_uuid(volume.ToBytes());
    named->set_path(entry.path);
  }
  if (!identity_.cluster_id.nil()) hello->set_cluster_id(identity_.cluster_id.ToBytes());
  hello->set_store_epoch(identity_.store_epoch);
  Emit(std::move(message));
}

void LinkCore::EndStream(const std::string& why) {
  const bool was_attached = state_ == State::kAttached;
  state_ = State::kIdle;
  session_ = base::SessionId();
  if (was_attached) effects_.emplace_back(LinkChanged{false, why});
}

void LinkCore::Disconnect(const std::string& why, base::MonotonicTime now,
                          base::Duration at_least) {
  effects_.emplace_back(CloseLinkStream{stream_, why});
  EndStream(why);
  Retry(at_least, now);
}

void LinkCore::Retry(base::Duration at_least, base::MonotonicTime now) {
  retry_at_ = now + std::max(at_least, backoff_.Next());
}

void LinkCore::Grumble(const std::string& what) {
  if (what == complaint_) return;
  complaint_ = what;
  effects_.emplace_back(Complain{what});
}

void LinkCore::SendReport(const base::Uuid& volume, base::MonotonicTime now) {
  sc::v1::AttachRequest message;
  *message.mutable_report() = reports_.Take(volume, now);
  message.mutable_report()->set_session(session_.value());
  Emit(std::move(message));
}

void LinkCore::SendHeartbeat(base::MonotonicTime now) {
  heartbeat_at_ = now;
  if (!progress_.empty()) {
    sc::v1::AttachRequest message;
    message.mutable_progress()->set_session(session_.value());
    for (sc::v1::PartitionProgress& partition : progress_) {
      *message.mutable_progress()->add_partitions() = std::move(partition);
    }
    progress_.clear();
    Emit(std::move(message));
  }
  sc::v1::AttachRequest message;
  sc::v1::SpuHeartbeat* heartbeat = message.mutable_heartbeat();
  heartbeat->set_session(session_.value());
  heartbeat->set_digest(reports_.Digest());
  heartbeat->set_sample_age_ms(health_.sample_age / std::chrono::milliseconds(1));
  heartbeat->set_queue_age_ms(health_.queue_age / std::chrono::milliseconds(1));
  for (const base::Uuid& volume : health_.unvouched) heartbeat->add_unvouched(volume.ToBytes());
  Emit(std::move(message));
}

void LinkCore::Emit(sc::v1::AttachRequest message) {
  effects_.emplace_back(SendMessage{stream_, std::move(message)});
}

}  // namespace tidemark::spu
