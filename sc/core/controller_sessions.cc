// Sessions: who is attached, fenced by a number that is durable before it is told.
#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "daemon/control/verdict_digest.h"
#include "sc/core/controller_core.h"
#include "sc/core/hello_defect.h"
#include "sc/core/verdict_text.h"

namespace tidemark::sc {
namespace {

constexpr int kLeasesUntilCut = 10;

std::string DescribeHello(const v1::Hello& hello) {
  return absl::StrFormat("boot %d, nonce %016x, attempt %d", hello.boot_count(), hello.boot_nonce(),
                         hello.attempt());
}

std::string DescribeHello(const SpuRecord& record) {
  return absl::StrFormat("boot %d, nonce %016x, attempt %d", record.boot_count, record.boot_nonce,
                         record.attempt);
}

}  // namespace

void ControllerCore::OnHello(StreamId stream, const v1::Hello& hello, Moment moment) {
  if (!streams_.at(stream).spu_id.empty()) {
    // The session of this stream lives on.
    RefuseMessage(stream, v1::NACK_REASON_BAD_HELLO, "a second Hello on one stream", moment);
    return;
  }
  const HelloVerdict verdict = JudgeHello(hello);
  if (verdict.reason != v1::NACK_REASON_UNSPECIFIED) {
    RefuseHello(stream, hello, verdict, moment);
    return;
  }
  OpenSession(stream, hello, moment);
}

ControllerCore::HelloVerdict ControllerCore::JudgeHello(const v1::Hello& hello) const {
  const std::string defect = FindHelloDefect(hello);
  if (!defect.empty()) return {v1::NACK_REASON_BAD_HELLO, defect};
  const auto cluster = base::Uuid::FromBytes(hello.cluster_id());
  if (!hello.cluster_id().empty() && cluster != cluster_.cluster_id) {
    return {v1::NACK_REASON_WRONG_CLUSTER,
            absl::StrFormat("this is cluster %s", cluster_.cluster_id.ToString())};
  }
  if (hello.store_epoch() > cluster_.store_epoch) {
    return {v1::NACK_REASON_WRONG_CLUSTER,
            absl::StrFormat("store epoch %d is older than %d: restored without raising it",
                            cluster_.store_epoch, hello.store_epoch())};
  }
  const base::Uuid uuid = *base::Uuid::FromBytes(hello.spu_uuid());
  for (const auto& [id, spu] : spus_) {
    if (spu.record.uuid == uuid && id != hello.spu_id()) {
      return {v1::NACK_REASON_UNKNOWN_UUID, absl::StrFormat("this uuid is SPU '%s'", id)};
    }
  }
  for (const v1::HelloVolume& named : hello.volumes()) {
    const auto volume = volumes_.find(*base::Uuid::FromBytes(named.uuid()));
    if (volume != volumes_.end() && volume->second.record.spu_id != hello.spu_id()) {
      return {v1::NACK_REASON_FOREIGN_VOLUME,
              absl::StrFormat("volume %s belongs to SPU '%s'", volume->first.ToString(),
                              volume->second.record.spu_id)};
    }
  }
  const auto known = spus_.find(hello.spu_id());
  return known == spus_.end() ? HelloVerdict() : FenceHello(hello, known->second);
}

ControllerCore::HelloVerdict ControllerCore::FenceHello(const v1::Hello& hello,
                                                        const SpuState& known) const {
  const SpuRecord& newest = known.record;
  if (newest.uuid != *base::Uuid::FromBytes(hello.spu_uuid())) {
    if (newest.replace_allowed) return {};
    // Of two that live, none is to be replaced: one has the other's id by mistake.
    const std::string advice =
        known.session
            ? ", and attached; give this one another id"
            : absl::StrFormat("; `tidemark spu replace %s` lets another take over", newest.id);
    return {v1::NACK_REASON_UNKNOWN_UUID,
            absl::StrFormat("SPU '%s' is %s%s", newest.id, newest.uuid.ToString(), advice)};
  }
  const std::string detail = absl::StrFormat("newest is %s", DescribeHello(newest));
  if (hello.boot_count() > newest.boot_count) return {};
  if (hello.boot_count() < newest.boot_count || hello.boot_nonce() != newest.boot_nonce) {
    return {v1::NACK_REASON_SUPERSEDED, detail};
  }
  if (hello.attempt() <= newest.attempt) return {v1::NACK_REASON_STALE_ATTEMPT, detail};
  return {};
}

void ControllerCore::RefuseHello(StreamId stream, const v1::Hello& hello,
                                 const HelloVerdict& verdict, Moment moment) {
  const auto known = spus_.find(hello.spu_id());
  const SpuRecord* newest = known == spus_.end() ? nullptr : &known->second.record;
  SendHelloNack(stream, verdict, newest);
  RecordHelloRefusal(hello.spu_id(), DescribeHello(hello), verdict, newest, moment);
}

void ControllerCore::RecordHelloRefusal(const std::string& spu_id, const std::string& hello,
                                        const HelloVerdict& verdict, const SpuRecord* newest,
                                        Moment moment) {
  v1::Event event = NewEvent("hello.refused", spu_id, moment);
  event.set_spu_id(event.subject());
  if (newest != nullptr) event.set_from(DescribeHello(*newest));
  event.set_to(hello);
  event.set_reason(absl::StrFormat("%s: %s", NackName(verdict.reason), verdict.detail));
  RecordRefusal("hello", NackName(verdict.reason), std::move(event), moment);
}

void ControllerCore::SendHelloNack(StreamId stream, const HelloVerdict& verdict,
                                   const SpuRecord* newest) {
  v1::AttachResponse message;
  v1::Nack* nack = message.mutable_nack();
  nack->set_reason(verdict.reason);
  nack->set_detail(verdict.detail);
  if (newest != nullptr) {
    nack->set_newest_boot_count(newest->boot_count);
    nack->set_newest_boot_nonce(newest->boot_nonce);
    nack->set_newest_attempt(newest->attempt);
  }
  Reply(stream, std::move(message));
  Close(stream, absl::FailedPreconditionError(absl::StrFormat(
                    "hello refused, %s: %s", NackName(verdict.reason), verdict.detail)));
}

void ControllerCore::OpenSession(StreamId stream, const v1::Hello& hello, Moment moment) {
  SpuState& spu = spus_[hello.spu_id()];
  if (spu.record.id.empty()) spu.record.registered_unix_ms = moment.wall;
  if (spu.session) {
    // Fence first: from here on nothing of the old session can be accepted, so what Welcome says
    // is known stays the newest there is.
    const StreamId old = spu.session->stream;
    EndSession(
        spu,
        absl::StrFormat("a newer Hello of SPU '%s' came: %s", hello.spu_id(), DescribeHello(hello)),
        moment);
    SendNack(old, v1::NACK_REASON_STALE_SESSION, "a newer Hello took over");
    Close(old, absl::AbortedError("a newer Hello took over"));
  }
  // In memory at once, so that an older Hello that is still on its way is fenced.
  const base::Uuid uuid = *base::Uuid::FromBytes(hello.spu_uuid());
  const bool replace_withdrawn = spu.record.uuid == uuid && spu.record.replace_allowed;
  // Used up by another machine; by the old one withdrawn, since it is not gone.
  spu.record.replace_allowed = false;
  if (spu.down_reason.empty()) {
    spu.down_reason = absl::StrFormat("SPU '%s' is attaching", hello.spu_id());
  }
  spu.record.id = hello.spu_id();
  spu.record.uuid = uuid;
  spu.record.boot_count = hello.boot_count();
  spu.record.boot_nonce = hello.boot_nonce();
  spu.record.attempt = hello.attempt();
  spu.record.grpc_endpoint = hello.grpc_endpoint();
  spu.record.http_endpoint = hello.http_endpoint();
  spu.record.version = hello.version();
  spu.record.session = ++newest_session_;

  Session session;
  session.id = newest_session_;
  session.stream = stream;
  session.last_contact = moment.now;
  streams_.at(stream).spu_id = hello.spu_id();
  streams_.at(stream).session = session.id;

  StoreBatch batch;
  AddVolumes(hello, session, batch, moment);
  batch.session = session.id;
  batch.spus.push_back(spu.record);
  if (replace_withdrawn) {
    v1::Event withdrawn = NewEvent("spu.replace_withdrawn", hello.spu_id(), moment);
    withdrawn.set_spu_id(hello.spu_id());
    withdrawn.set_from(uuid.ToString());
    withdrawn.set_reason("the machine that was to be replaced attached again");
    batch.events.push_back(std::move(withdrawn));
  }
  v1::Event event = NewEvent("session.opened", hello.spu_id(), moment);
  event.set_spu_id(hello.spu_id());
  event.set_session(session.id.value());
  event.set_to(DescribeHello(hello));
  batch.events.push_back(std::move(event));

  PendingBatch pending{
      .purpose = PendingBatch::Purpose::kSession, .spu_id = hello.spu_id(), .session = session.id};
  spu.session = std::move(session);
  spu.session->token = Store(std::move(batch), std::move(pending));
}

void ControllerCore::AddVolumes(const v1::Hello& hello, Session& session, StoreBatch& batch,
                                Moment moment) {
  for (const v1::HelloVolume& named : hello.volumes()) {
    const base::Uuid uuid = *base::Uuid::FromBytes(named.uuid());
    session.volumes.insert(uuid);
    const auto [it, added] = volumes_.try_emplace(uuid);
    VolumeState& volume = it->second;
    if (added) volume.reach_since_unix_ms = moment.wall;
    // While a report is on its way, the row in memory is behind the store: the path can wait.
    if (!added && (volume.record.path == named.path() || volume.in_store)) continue;
    volume.record.uuid = uuid;
    volume.record.spu_id = hello.spu_id();
    volume.record.path = named.path();
    batch.volumes.push_back(volume.record);
    changed_.insert(uuid);
  }
}

void ControllerCore::OnSessionDone(const PendingBatch& pending, const absl::Status& status,
                                   Moment moment) {
  SpuState& spu = spus_.at(pending.spu_id);
  // Fenced or closed meanwhile: the number is spent, nothing else.
  if (!spu.session || spu.session->id != pending.session) return;
  if (!status.ok()) {
    const StreamId stream = spu.session->stream;
    EndSession(spu, absl::StrFormat("controller cannot persist: %s", status.ToString()), moment);
    const HelloVerdict verdict{v1::NACK_REASON_STORE_FAILED, status.ToString()};
    SendHelloNack(stream, verdict, &spu.record);
    RecordHelloRefusal(pending.spu_id, DescribeHello(spu.record), verdict, nullptr, moment);
    return;
  }
  spu.session->live = true;
  spu.session->last_contact = moment.now;
  spu.since_unix_ms = moment.wall;
  SendWelcome(spu);
  UpdateReaches(spu, moment);
  SendAssignments(spu, moment);
}

void ControllerCore::SendWelcome(const SpuState& spu) {
  v1::AttachResponse message;
  v1::Welcome* welcome = message.mutable_welcome();
  welcome->set_cluster_id(cluster_.cluster_id.ToBytes());
  welcome->set_store_epoch(cluster_.store_epoch);
  welcome->set_session(spu.session->id.value());
  welcome->set_boot_count(spu.record.boot_count);
  welcome->set_boot_nonce(spu.record.boot_nonce);
  welcome->set_attempt(spu.record.attempt);
  welcome->set_lease_ms(options_.lease / std::chrono::milliseconds(1));
  welcome->set_heartbeat_ms(options_.heartbeat / std::chrono::milliseconds(1));
  for (const auto& [uuid, volume] : volumes_) {
    if (volume.record.spu_id != spu.record.id || !volume.reported()) continue;
    v1::KnownVolume* known = welcome->add_known();
    known->set_uuid(uuid.ToBytes());
    known->set_generation(volume.record.accepted.generation());
    known->set_episodes(volume.record.accepted.episodes());
    known->set_digest(daemon::VerdictDigest(volume.record.accepted));
  }
  Reply(spu.session->stream, std::move(message));
}

void ControllerCore::EndSession(SpuState& spu, const std::string& why, Moment moment) {
  const Session ended = *std::exchange(spu.session, std::nullopt);
  spu.down_reason = why;
  if (ended.live) {
    spu.since_unix_ms = moment.wall;
    StoreBatch batch;
    v1::Event event = NewEvent("session.lost", spu.record.id, moment);
    event.set_spu_id(spu.record.id);
    event.set_session(ended.id.value());
    event.set_reason(why);
    batch.events.push_back(std::move(event));
    Store(std::move(batch), {});
  }
  for (auto& [uuid, volume] : volumes_) {
    if (volume.record.spu_id != spu.record.id) continue;
    volume.waiting.reset();
    volume.contradicted = false;  // nobody is there to say it again
  }
  UpdateReaches(spu, moment);
}

void ControllerCore::OnHeartbeat(StreamId stream, const v1::SpuHeartbeat& heartbeat,
                                 Moment moment) {
  Session* session = FindSession(stream, heartbeat.session());
  if (session == nullptr) {
    RefuseStray(stream, "heartbeat", heartbeat.session(), moment);
    return;
  }
  const std::string spu_id = streams_.at(stream).spu_id;
  OnContact(spu_id, moment);
  std::set<base::Uuid> unvouched;
  for (const std::string& bytes : heartbeat.unvouched()) {
    if (const auto uuid = base::Uuid::FromBytes(bytes); uuid.has_value()) unvouched.insert(*uuid);
  }
  if (unvouched != session->unvouched) {
    session->unvouched = std::move(unvouched);
    UpdateReaches(spus_.at(spu_id), moment);
  }
  std::uint64_t digest = 0;
  bool settled = true;
  for (const base::Uuid& uuid : session->volumes) {
    const VolumeState& volume = volumes_.at(uuid);
    const bool fault_alone = volume.fault_alone && volume.session == session->id;
    if (!volume.reported() || fault_alone) continue;
    digest += daemon::HeartbeatDigest(volume.record.accepted);
    settled = settled && volume.synced && volume.session == session->id && !volume.in_store;
  }
  v1::AttachResponse answer;
  answer.mutable_heartbeat()->set_session(session->id.value());
  answer.mutable_heartbeat()->set_digest(digest);
  Reply(stream, std::move(answer));
  // While reports are under way a difference means nothing.
  if (!settled || digest == heartbeat.digest()) return;
  v1::AttachResponse request;
  request.mutable_report_request()->set_session(session->id.value());
  Reply(stream, std::move(request));
}

void ControllerCore::TickStream(StreamId id, const Stream& stream, Moment moment) {
  if (!stream.spu_id.empty() || stream.closing) return;
  if (moment.now - stream.opened_at <= options_.lease * kLeasesUntilCut) return;
  RefuseMessage(id, v1::NACK_REASON_NO_HELLO, "no Hello within ten leases", moment);
  Close(id, absl::DeadlineExceededError("no Hello within ten leases"));
}

void ControllerCore::TickSession(SpuState& spu, Moment moment) {
  if (!spu.session || !spu.session->live) return;
  Session& session = *spu.session;
  const base::Duration silent = moment.now - session.last_contact;
  if (silent > options_.lease && !session.lease_out) {
    session.lease_out = true;
    spu.since_unix_ms = moment.wall;
    spu.down_reason =
        absl::StrFormat("SPU '%s' silent for %s, lease %s", spu.record.id,
                        base::FormatDuration(silent), base::FormatDuration(options_.lease));
    StoreBatch batch;
    v1::Event event = NewEvent("session.lease_out", spu.record.id, moment);
    event.set_spu_id(spu.record.id);
    event.set_session(session.id.value());
    event.set_reason(spu.down_reason);
    batch.events.push_back(std::move(event));
    Store(std::move(batch), {});
    UpdateReaches(spu, moment);
  }
  if (silent > options_.lease * kLeasesUntilCut) {
    const StreamId stream = session.stream;
    EndSession(spu, spu.down_reason, moment);
    Close(stream, absl::DeadlineExceededError("silent for ten leases"));
    return;
  }
  if (session.lease_out || session.assignments_acked >= session.assignments_sent) return;
  if (moment.now - session.assignments_sent_at >= options_.resend) SendAssignments(spu, moment);
}

absl::StatusOr<Effects> ControllerCore::AllowReplace(const std::string& spu_id, Moment moment) {
  const auto spu = spus_.find(spu_id);
  if (spu == spus_.end()) {
    return absl::NotFoundError(absl::StrFormat("replace SPU '%s': no such SPU", spu_id));
  }
  // Kept until another machine comes, the permission would let any that was given this id by
  // mistake drive this one out.
  if (const std::optional<Session>& session = spu->second.session) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "replace SPU '%s' refused: it is attached, last heard of %s ago; stop it first (a silent "
        "one is let go after %s), or give the new machine an id of its own",
        spu_id, base::FormatDuration(moment.now - session->last_contact),
        base::FormatDuration(options_.lease * kLeasesUntilCut)));
  }
  StoreBatch batch;
  batch.spus.push_back(spu->second.record);
  batch.spus.back().replace_allowed = true;
  v1::Event event = NewEvent("spu.replace_allowed", spu_id, moment);
  event.set_spu_id(spu_id);
  event.set_from(spu->second.record.uuid.ToString());
  batch.events.push_back(std::move(event));
  PendingBatch pending{
      .purpose = PendingBatch::Purpose::kReplace, .spu_id = spu_id, .batch = batch};
  Store(std::move(batch), std::move(pending));
  return TakeEffects();
}

}  // namespace tidemark::sc
