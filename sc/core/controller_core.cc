#include "sc/core/controller_core.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "sc/core/short_text.h"
#include "sc/core/verdict_text.h"

namespace tidemark::sc {

ControllerCore::ControllerCore(const ControllerOptions& options, const StoreContents& contents,
                               AssignmentSource* assignments, Moment start)
    : options_(options),
      cluster_(contents.cluster),
      newest_session_(contents.session),
      newest_event_number_(contents.newest_event_number),
      assignments_(assignments) {
  // Verdicts are as they were. Nobody is attached: everything is Down.
  for (const SpuRecord& record : contents.spus) {
    SpuState& spu = spus_[record.id];
    spu.record = record;
    spu.since_unix_ms = start.wall;
    spu.down_reason =
        absl::StrFormat("SPU '%s' has not attached since the controller started", record.id);
  }
  for (const VolumeRecord& record : contents.volumes) {
    VolumeState& volume = volumes_[record.uuid];
    volume.record = record;
    DropForgottenLostData(volume);
    volume.reach_since_unix_ms = start.wall;
    UpdateReach(volume, start);
  }
  changed_.clear();
}

Effects ControllerCore::StreamOpened(StreamId stream, Moment moment) {
  streams_.try_emplace(stream).first->second.opened_at = moment.now;
  return TakeEffects();
}

Effects ControllerCore::StreamClosed(StreamId stream, Moment moment) {
  const auto it = streams_.find(stream);
  if (it == streams_.end()) return TakeEffects();
  const std::string spu_id = it->second.spu_id;
  streams_.erase(it);
  const auto spu = spus_.find(spu_id);
  // Only the stream of the live session ends it: an old one may close whenever it likes.
  if (spu != spus_.end() && spu->second.session && spu->second.session->stream == stream) {
    EndSession(spu->second, absl::StrFormat("stream of SPU '%s' closed", spu_id), moment);
  }
  return TakeEffects();
}

Effects ControllerCore::Receive(StreamId stream, const v1::AttachRequest& message, Moment moment) {
  const auto it = streams_.find(stream);
  if (it == streams_.end() || it->second.closing) return TakeEffects();
  switch (message.message_case()) {
    case v1::AttachRequest::kHello:
      OnHello(stream, message.hello(), moment);
      break;
    case v1::AttachRequest::kReport:
      OnReport(stream, message.report(), moment);
      break;
    case v1::AttachRequest::kAssignmentsAck:
      OnAssignmentsAck(stream, message.assignments_ack(), moment);
      break;
    case v1::AttachRequest::kProgress:
      OnProgress(stream, message.progress(), moment);
      break;
    case v1::AttachRequest::kHeartbeat:
      OnHeartbeat(stream, message.heartbeat(), moment);
      break;
    case v1::AttachRequest::kGoodbye:
      if (FindSession(stream, message.goodbye().session()) != nullptr) {
        SpuState& spu = spus_.at(it->second.spu_id);
        EndSession(spu, absl::StrFormat("SPU '%s' stopped", spu.record.id), moment);
      } else {
        RefuseStray(stream, "goodbye", message.goodbye().session(), moment);
      }
      break;
    case v1::AttachRequest::MESSAGE_NOT_SET:
      break;  // of a newer peer: nothing we know, so it changes nothing
  }
  return TakeEffects();
}

Effects ControllerCore::StoreDone(StoreToken token, const absl::Status& status, Moment moment) {
  const auto it = pending_.find(token);
  TM_CHECK(it != pending_.end());
  const PendingBatch pending = std::move(it->second);
  pending_.erase(it);
  if (!status.ok()) store_status_ = status;
  switch (pending.purpose) {
    case PendingBatch::Purpose::kHistory:
      break;
    case PendingBatch::Purpose::kSession:
      OnSessionDone(pending, status, moment);
      break;
    case PendingBatch::Purpose::kReport:
      OnReportDone(pending, status, moment);
      ReleaseAcks(pending.volume, moment);
      break;
    case PendingBatch::Purpose::kAssignmentsAck:
      OnAssignmentsAckDone(pending, status, moment);
      break;
    case PendingBatch::Purpose::kReplace:
      // A Hello since then, of that machine or of another, has ended it; so says its row too.
      if (SpuRecord& record = spus_.at(pending.spu_id).record;
          status.ok() && record.session == pending.batch.spus.front().session) {
        record.replace_allowed = true;
      }
      break;
  }
  return TakeEffects();
}

Effects ControllerCore::Tick(Moment moment) {
  for (auto& [id, spu] : spus_) TickSession(spu, moment);
  for (const auto& [id, stream] : streams_) TickStream(id, stream, moment);
  for (auto& [uuid, volume] : volumes_) {
    if (volume.in_store) UpdateReach(volume, moment);
  }
  return TakeEffects();
}

Effects ControllerCore::TakeEffects() {
  if (!changed_.empty()) {
    effects_.emplace_back(Changed{{changed_.begin(), changed_.end()}});
    changed_.clear();
  }
  return std::exchange(effects_, {});
}

void ControllerCore::Reply(StreamId stream, v1::AttachResponse message) {
  const auto it = streams_.find(stream);
  if (it == streams_.end() || it->second.closing) return;
  effects_.emplace_back(Send{stream, std::move(message)});
}

void ControllerCore::Close(StreamId stream, absl::Status why) {
  const auto it = streams_.find(stream);
  if (it == streams_.end() || it->second.closing) return;
  it->second.closing = true;
  effects_.emplace_back(CloseStream{stream, std::move(why)});
}

StoreToken ControllerCore::Store(StoreBatch batch, PendingBatch pending) {
  constexpr std::size_t kTextBytes = 1024;  // a peer may have chosen it
  for (v1::Event& event : batch.events) {
    event.set_number(TakeEventNumber());
    for (std::string* text : {event.mutable_reason(), event.mutable_from(), event.mutable_to()}) {
      *text = ShortText(*text, kTextBytes);
    }
  }
  ++newest_token_;
  pending_.emplace(newest_token_, std::move(pending));
  effects_.emplace_back(Persist{newest_token_, std::move(batch)});
  return newest_token_;
}

v1::Event ControllerCore::NewEvent(const std::string& name, const std::string& subject,
                                   Moment moment) {
  constexpr std::size_t kSubjectBytes = 256;  // a peer may have chosen it
  v1::Event event;
  event.set_at_unix_ms(moment.wall);
  event.set_name(name);
  event.set_subject(ShortText(subject, kSubjectBytes));
  return event;
}

void ControllerCore::RecordRefusal(const std::string& kind, const std::string& reason,
                                   v1::Event event, Moment moment) {
  const auto swallowed = refusals_[kind].Add(reason, event.subject(), moment.now);
  if (!swallowed) return;
  if (*swallowed > 0) {
    event.set_reason(
        absl::StrFormat("%s (and %d more like it before)", event.reason(), *swallowed));
  }
  StoreBatch batch;
  batch.events.push_back(std::move(event));
  Store(std::move(batch), {});
}

void ControllerCore::SendNack(StreamId stream, v1::NackReason reason, const std::string& detail) {
  const std::string& spu_id = streams_.at(stream).spu_id;
  v1::AttachResponse message;
  v1::Nack* nack = message.mutable_nack();
  nack->set_reason(reason);
  nack->set_detail(detail);
  if (const auto spu = spus_.find(spu_id); spu != spus_.end() && spu->second.session) {
    nack->set_session(spu->second.session->id.value());
  }
  Reply(stream, std::move(message));
}

void ControllerCore::RefuseMessage(StreamId stream, v1::NackReason reason,
                                   const std::string& detail, Moment moment) {
  SendNack(stream, reason, detail);
  const std::string& spu_id = streams_.at(stream).spu_id;
  v1::Event event =
      NewEvent("message.refused", spu_id.empty() ? "a stream without Hello" : spu_id, moment);
  event.set_spu_id(spu_id);
  event.set_reason(absl::StrFormat("%s: %s", NackName(reason), detail));
  RecordRefusal("message", NackName(reason), std::move(event), moment);
}

v1::NackReason ControllerCore::WhyStray(StreamId stream) const {
  const std::string& spu_id = streams_.at(stream).spu_id;
  if (spu_id.empty()) return v1::NACK_REASON_NO_HELLO;
  const auto& session = spus_.at(spu_id).session;
  const bool waits_for_store = session && session->stream == stream && !session->live;
  return waits_for_store ? v1::NACK_REASON_NOT_READY : v1::NACK_REASON_STALE_SESSION;
}

void ControllerCore::RefuseStray(StreamId stream, const char* what, std::uint64_t session,
                                 Moment moment) {
  RefuseMessage(stream, WhyStray(stream), absl::StrFormat("%s of session %d", what, session),
                moment);
}

Session* ControllerCore::FindSession(StreamId stream, std::uint64_t session) {
  const Stream& known = streams_.at(stream);
  const auto spu = spus_.find(known.spu_id);
  if (spu == spus_.end() || !spu->second.session) return nullptr;
  Session& live = *spu->second.session;
  const bool named = live.live && live.stream == stream && live.id.value() == session;
  return named ? &live : nullptr;
}

void ControllerCore::OnContact(const std::string& spu_id, Moment moment) {
  SpuState& spu = spus_.at(spu_id);
  spu.session->last_contact = moment.now;
  if (!spu.session->lease_out) return;
  // Late is not never: what was said in this session still holds.
  spu.session->lease_out = false;
  spu.since_unix_ms = moment.wall;
  UpdateReaches(spu, moment);
}

}  // namespace tidemark::sc
