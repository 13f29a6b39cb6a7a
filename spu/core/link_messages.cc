// What the SC says, and what the link does about it.
#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_format.h"
#include "daemon/control/verdict_digest.h"
#include "spu/core/link_core.h"

namespace tidemark::spu {
namespace {

constexpr int kExitSuperseded = 78;
// Only a person can mend it, so it is asked for slowly.
constexpr base::Duration kNeedsPerson = std::chrono::seconds(5);

bool IsProofRefusal(sc::v1::ReportRefusal reason) {
  return reason == sc::v1::REPORT_REFUSAL_PROOF_MISSING ||
         reason == sc::v1::REPORT_REFUSAL_PROOF_SHORT ||
         reason == sc::v1::REPORT_REFUSAL_PROOF_EARLIER_EPISODE;
}

}  // namespace

LinkEffects LinkCore::Receive(LinkStreamId stream, const sc::v1::AttachResponse& message,
                              base::MonotonicTime now) {
  if (!IsLive(stream)) return {};
  heard_at_ = now;
  switch (message.message_case()) {
    case sc::v1::AttachResponse::kWelcome:
      OnWelcome(message.welcome(), now);
      break;
    case sc::v1::AttachResponse::kNack:
      OnNack(message.nack(), now);
      break;
    case sc::v1::AttachResponse::kReportAck:
      OnReportAck(message.report_ack());
      break;
    case sc::v1::AttachResponse::kReportNack:
      OnReportNack(message.report_nack(), now);
      break;
    case sc::v1::AttachResponse::kAssignments:
      if (InSession(message.assignments().session())) {
        effects_.emplace_back(ApplyAssignments{message.assignments()});
      }
      break;
    case sc::v1::AttachResponse::kReportRequest:
      if (InSession(message.report_request().session())) {
        reports_.Restart();
        TickAttached(now);
      }
      break;
    case sc::v1::AttachResponse::kHeartbeat:
    case sc::v1::AttachResponse::MESSAGE_NOT_SET:
      break;  // heard_at_ is all there is to it
  }
  return std::exchange(effects_, {});
}

void LinkCore::OnWelcome(const sc::v1::Welcome& welcome, base::MonotonicTime now) {
  if (state_ != State::kGreeting) return;
  if (welcome.boot_count() != identity_.boot_count || welcome.boot_nonce() != options_.boot_nonce ||
      welcome.attempt() != attempt_) {
    return;  // the answer to another Hello
  }
  const base::Uuid cluster = base::Uuid::FromBytes(welcome.cluster_id()).value_or(base::Uuid());
  if (cluster.nil() || (!identity_.cluster_id.nil() && cluster != identity_.cluster_id)) {
    Grumble(absl::StrFormat("the controller is of cluster %s, this SPU belongs to %s",
                            cluster.ToString(), identity_.cluster_id.ToString()));
    Disconnect("foreign cluster", now, kNeedsPerson);
    return;
  }
  if (welcome.store_epoch() < identity_.store_epoch) {
    Grumble(absl::StrFormat(
        "the controller's store has epoch %d, this SPU has seen %d: it was restored without "
        "raising the epoch",
        welcome.store_epoch(), identity_.store_epoch));
    Disconnect("older store epoch", now, kNeedsPerson);
    return;
  }
  IdentityRecord taken_in = identity_;
  taken_in.cluster_id = cluster;
  taken_in.store_epoch = welcome.store_epoch();
  taken_in.fenced = false;
  KeepIdentity(taken_in);
  effects_.emplace_back(Fence{});  // each time: the last lift may have gone with a failed write
  complaint_.clear();
  state_ = State::kAttached;
  session_ = base::SessionId(welcome.session());
  SetLease(std::chrono::milliseconds(welcome.lease_ms()));
  heartbeat_ = std::chrono::milliseconds(welcome.heartbeat_ms());
  effects_.emplace_back(LinkChanged{true, absl::StrFormat("session %d", welcome.session())});
  reports_.Restart();
  for (const sc::v1::KnownVolume& known : welcome.known()) CompareWithKnown(known);
  // First: a volume that it does not vouch for must not be Up for the moment between the two.
  SendHeartbeat(now);
  for (const base::Uuid& volume : reports_.Due(now, options_.resend, true)) {
    SendReport(volume, now);
  }
}

void LinkCore::CompareWithKnown(const sc::v1::KnownVolume& known) {
  const auto volume = base::Uuid::FromBytes(known.uuid());
  ReportQueue::Entry* entry = volume ? reports_.Find(*volume) : nullptr;
  if (entry == nullptr) return;  // not ours to answer for: the SC shows it as absent
  if (!entry->opened) {
    entry->known = known;
    return;
  }
  const sc::v1::Report& report = entry->report;
  if (known.generation() == 0 && report.generation() == 0) return;  // of both: nothing yet
  const bool same =
      known.generation() == report.generation() && known.digest() == daemon::VerdictDigest(report);
  const bool ahead =
      known.generation() < report.generation() &&
      known.episodes() <= std::max(report.episodes(), report.holds().space().episode());
  if (same || ahead) return;
  // Whatever we would say below that, the SC rightly refuses. Nothing is said until the policy has
  // answered with a higher one.
  reports_.Block(*volume, std::max(known.generation(), report.generation()), known.episodes());
  effects_.emplace_back(
      Wiped{*volume, base::Generation(known.generation()), base::Episode(known.episodes())});
}

void LinkCore::OnNack(const sc::v1::Nack& nack, base::MonotonicTime now) {
  const bool other_boot = nack.newest_boot_count() > identity_.boot_count ||
                          (nack.newest_boot_count() == identity_.boot_count &&
                           nack.newest_boot_nonce() != options_.boot_nonce);
  switch (nack.reason()) {
    case sc::v1::NACK_REASON_SUPERSEDED: {
      const std::string why =
          absl::StrFormat("superseded: boot %d of this SPU is known, this is boot %d (%s)",
                          nack.newest_boot_count(), identity_.boot_count, nack.detail());
      effects_.emplace_back(CloseLinkStream{stream_, why});
      EndStream(why);
      state_ = State::kStopped;
      effects_.emplace_back(ExitProcess{kExitSuperseded, why});
      return;
    }
    case sc::v1::NACK_REASON_STALE_ATTEMPT:
      // Only the attempt may be raised: anything else would let a clone push its way in.
      if (!other_boot) attempt_ = std::max(attempt_, nack.newest_attempt());
      break;
    case sc::v1::NACK_REASON_UNKNOWN_UUID:
    case sc::v1::NACK_REASON_FOREIGN_VOLUME:
      // Without a reason it would read as a lift.
      Refused(nack.detail().empty() ? "no reason given" : nack.detail(), now);
      return;
    // Not our controller, or not our language: no more than one that is away.
    case sc::v1::NACK_REASON_WRONG_CLUSTER:
    case sc::v1::NACK_REASON_BAD_HELLO:
      Grumble(absl::StrFormat("the controller refuses this SPU: %s", nack.detail()));
      Disconnect(nack.detail(), now, kNeedsPerson);
      return;
    default:
      break;
  }
  Disconnect(absl::StrFormat("refused: %s", nack.detail()), now);
}

// At once, then durably; what the disk does about it changes nothing for this process.
void LinkCore::Refused(const std::string& why, base::MonotonicTime now) {
  Grumble(absl::StrFormat("the controller refuses this SPU: %s", why));
  effects_.emplace_back(Fence{why});
  Disconnect(why, now, kNeedsPerson);
  IdentityRecord fenced = identity_;
  fenced.fenced = true;
  KeepIdentity(fenced);
}

void LinkCore::KeepIdentity(const IdentityRecord& identity) {
  if (identity == identity_ && !identity_unknown_) return;
  identity_unknown_ = false;
  durable_identity_ = std::exchange(identity_, identity);
  effects_.emplace_back(PersistIdentity{identity_});
}

void LinkCore::OnReportAck(const sc::v1::ReportAck& ack) {
  if (!InSession(ack.session())) return;
  const auto volume = base::Uuid::FromBytes(ack.volume());
  ReportQueue::Entry* entry = volume ? reports_.Find(*volume) : nullptr;
  // The answer to an older report says nothing of the newest.
  if (entry == nullptr || ack.sequence() != entry->report.sequence()) return;
  entry->acknowledged = true;
  // A mere Welcome proves nothing: a peer that takes us in and throws us out must not be hammered.
  if (reports_.settled()) backoff_.Reset();
}

void LinkCore::OnReportNack(const sc::v1::ReportNack& nack, base::MonotonicTime now) {
  if (state_ != State::kAttached) return;
  const auto volume = base::Uuid::FromBytes(nack.volume());
  ReportQueue::Entry* entry = volume ? reports_.Find(*volume) : nullptr;
  if (nack.reason() != sc::v1::REPORT_REFUSAL_STALE_SESSION) {
    // Of an older session, or of a report that a newer one has replaced.
    if (!InSession(nack.session()) || entry == nullptr) return;
    if (nack.sequence() != entry->report.sequence()) return;
  }
  if (IsProofRefusal(nack.reason())) {
    reports_.Block(*volume, entry->report.generation(), 0);
    effects_.emplace_back(
        ProofRefused{*volume, base::Generation(entry->report.generation()), nack.detail()});
    return;
  }
  // Its content is not in doubt: it is sent again by the timer, and the other volumes stay Up.
  if (nack.reason() == sc::v1::REPORT_REFUSAL_STORE_FAILED) return;
  Disconnect(
      absl::StrFormat("report of generation %d refused: %s", nack.generation(), nack.detail()),
      now);
}

}  // namespace tidemark::spu
