// The SPU's side of the SPU-SC protocol, without transport, disk, or clock.
//
// It tells the SC what is durable, until the SC says that it has it: reports are absolute, sent
// again on a timer and after every reconnect, coalesced per volume. The SPU serves what it was
// assigned whether the SC is there or not; only where the SC says that another is this SPU, or has
// its volumes, it is fenced until it is taken in. Rules: spu/README.md.
//
//   Idle ── Tick ──► Greeting ── Welcome ──► Attached ── closed, lease out, Nack ──► Idle
//   (back-off)
//
// Lifetime:  value type, holds no references.
// Threading: confined to the SPU's loop.
// Errors:    none: what goes wrong ends the stream, and the next try begins after the back-off.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "daemon/loop/backoff.h"
#include "spu/core/identity_record.h"
#include "spu/core/link_effect.h"
#include "spu/core/report_queue.h"

namespace tidemark::spu {

struct LinkOptions {
  std::string spu_id;
  std::string grpc_endpoint;
  std::string http_endpoint;
  std::string version;
  std::uint64_t boot_nonce = 0;  // random per start
  std::uint64_t backoff_seed = 0;
  // A report that was not answered is sent again.
  base::Duration resend = std::chrono::seconds(1);
};

// What a heartbeat says of the SPU's own lateness.
struct LinkHealth {
  base::Duration sample_age{0};
  base::Duration queue_age{0};
  std::vector<base::Uuid> unvouched;  // volumes; see SpuHeartbeat
};

class LinkCore {
 public:
  LinkCore(LinkOptions options, const IdentityRecord& identity);

  // Before the first Tick, or later: a volume that the live Hello did not name needs a new one.
  [[nodiscard]] LinkEffects AddVolume(const base::Uuid& volume, const std::string& path,
                                      base::MonotonicTime now);
  // The durable state of a volume, whole. Call it after the record is durable, never before; also
  // for new readings, which wait for the next heartbeat where the verdict is the same. Generation 0
  // without a fault is not sent, but held against what the SC knows: a volume put back to how
  // format left it must not wait for space in silence, nor be opened as if it were new.
  [[nodiscard]] LinkEffects SetReport(sc::v1::Report report, base::MonotonicTime now);
  // Replaces what was there; sent with the next heartbeat.
  void SetProgress(std::vector<sc::v1::PartitionProgress> partitions);
  void SetHealth(const LinkHealth& health) { health_ = health; }
  // Session is filled in here. Dropped when not attached: the SC sends assignments again.
  [[nodiscard]] LinkEffects AcknowledgeAssignments(sc::v1::AssignmentsAck ack);

  // The controller's server has taken the call: it is alive and the way to it works, so that its
  // Welcome is worth waiting for. Optional: a controller that says nothing of it is waited for
  // less.
  void StreamTaken(LinkStreamId stream);
  [[nodiscard]] LinkEffects StreamClosed(LinkStreamId stream, const std::string& why,
                                         base::MonotonicTime now);
  [[nodiscard]] LinkEffects Receive(LinkStreamId stream, const sc::v1::AttachResponse& message,
                                    base::MonotonicTime now);
  [[nodiscard]] LinkEffects IdentityNotPersisted(const std::string& why, base::MonotonicTime now);
  [[nodiscard]] LinkEffects Tick(base::MonotonicTime now);
  // Goodbye and the end of the stream; no new one after that.
  [[nodiscard]] LinkEffects Stop();

  // When Tick() has something to do at the latest.
  base::MonotonicTime NextTick() const;

  bool attached() const { return state_ == State::kAttached; }
  base::SessionId session() const { return session_; }
  std::uint64_t attempt() const { return attempt_; }
  // Every volume's newest report is acknowledged.
  bool synced() const { return attached() && reports_.settled(); }
  const IdentityRecord& identity() const { return identity_; }

 private:
  enum class State : std::uint8_t { kIdle, kGreeting, kAttached, kStopped };

  // How long a try waits for its Welcome.
  base::Duration GreetingTimeout() const;
  void SetLease(base::Duration lease);

  bool IsLive(LinkStreamId stream) const {
    return stream == stream_ && (state_ == State::kGreeting || state_ == State::kAttached);
  }
  bool InSession(std::uint64_t session) const {
    return state_ == State::kAttached && session_.value() == session;
  }

  // link_core.cc
  void Connect(base::MonotonicTime now);
  void EndStream(const std::string& why);
  void Disconnect(const std::string& why, base::MonotonicTime now,
                  base::Duration at_least = base::Duration(0));
  void Retry(base::Duration at_least, base::MonotonicTime now);
  void TickAttached(base::MonotonicTime now);
  void Grumble(const std::string& what);
  void SendReport(const base::Uuid& volume, base::MonotonicTime now);
  void SendHeartbeat(base::MonotonicTime now);
  void Emit(sc::v1::AttachRequest message);

  // link_messages.cc
  void OnWelcome(const sc::v1::Welcome& welcome, base::MonotonicTime now);
  void CompareWithKnown(const sc::v1::KnownVolume& known);
  void OnNack(const sc::v1::Nack& nack, base::MonotonicTime now);
  void Refused(const std::string& why, base::MonotonicTime now);
  void KeepIdentity(const IdentityRecord& identity);
  void OnReportAck(const sc::v1::ReportAck& ack);
  void OnReportNack(const sc::v1::ReportNack& nack, base::MonotonicTime now);

  LinkOptions options_;
  IdentityRecord identity_;
  IdentityRecord durable_identity_;  // before the last PersistIdentity
  State state_ = State::kIdle;
  LinkEffects effects_;

  std::uint64_t attempt_ = 0;
  LinkStreamId stream_;
  LinkStreamId newest_stream_;
  base::SessionId session_;
  base::Duration lease_{0};  // as last told; before that, as a controller has it by default
  base::Duration heartbeat_{0};
  daemon::Backoff backoff_;  // reset when everything is acknowledged, not by a mere Welcome
  base::MonotonicTime retry_at_;
  base::MonotonicTime opened_at_;
  bool taken_ = false;  // see StreamTaken()
  base::MonotonicTime heard_at_;
  base::MonotonicTime heartbeat_at_;
  std::string complaint_;
  // The last write of the identity failed: what is on the disk may be either.
  bool identity_unknown_ = false;

  ReportQueue reports_;
  std::vector<sc::v1::PartitionProgress> progress_;
  LinkHealth health_;
};

}  // namespace tidemark::spu
