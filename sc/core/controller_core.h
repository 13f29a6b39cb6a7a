// The controller's side of the SPU-SC protocol, without transport, store, or clock.
//
// Events go in (a stream opened, a message came, a batch is durable, time passed), effects come out
// and are done in their order. Persist, then publish, then ack: nothing is shown or acknowledged
// before StoreDone() says that it is durable. Rules: sc/README.md.
//
// Lifetime:  the assignment source must outlive it. Load from the store, then feed it.
// Threading: confined to the SC's loop.
// Errors:    none: what is wrong in a message is refused, counted and recorded as an event.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "sc/core/assignment_source.h"
#include "sc/core/effect.h"
#include "sc/core/lost_data.h"
#include "sc/core/records.h"
#include "sc/core/refusal_log.h"
#include "sc/core/spu_state.h"
#include "sc/core/volume_state.h"

namespace tidemark::sc {

struct ControllerOptions {
  base::Duration lease = std::chrono::seconds(3);
  base::Duration heartbeat = std::chrono::seconds(1);
  // Assignments that were not acknowledged are sent again after this.
  base::Duration resend = std::chrono::seconds(1);
};

// `wall` is for people's eyes only and decides nothing.
struct Moment {
  base::MonotonicTime now;
  base::WallMillis wall = 0;
};

class ControllerCore {
 public:
  ControllerCore(const ControllerOptions& options, const StoreContents& contents,
                 AssignmentSource* assignments, Moment start);

  [[nodiscard]] Effects StreamOpened(StreamId stream, Moment moment);
  // Also to be called for a stream that the core asked to close.
  [[nodiscard]] Effects StreamClosed(StreamId stream, Moment moment);
  [[nodiscard]] Effects Receive(StreamId stream, const v1::AttachRequest& message, Moment moment);
  [[nodiscard]] Effects StoreDone(StoreToken token, const absl::Status& status, Moment moment);
  // Leases, streams without a Hello, batches that hang, assignments to send again. Every quarter of
  // a heartbeat or so.
  [[nodiscard]] Effects Tick(Moment moment);

  // The source has a new durable version for this SPU.
  [[nodiscard]] Effects AssignmentsChanged(const std::string& spu_id, Moment moment);
  // `tidemark spu replace`. kNotFound for an unknown SPU, kFailedPrecondition while it is attached;
  // the old uuid is in the record.
  [[nodiscard]] absl::StatusOr<Effects> AllowReplace(const std::string& spu_id, Moment moment);

  // What the owner knows of the store: OK only when it can really persist again.
  void StoreIs(const absl::Status& status) { store_status_ = status; }
  // Not OK from a failed batch on until the owner says otherwise: a small batch that still fits
  // shows nothing. The SC is not ready meanwhile.
  const absl::Status& store_status() const { return store_status_; }

  // Next number for an event of the services: history has one sequence.
  std::uint64_t TakeEventNumber() { return ++newest_event_number_; }

  const ClusterRecord& cluster() const { return cluster_; }
  const std::map<std::string, SpuState>& spus() const { return spus_; }
  const std::map<base::Uuid, VolumeState>& volumes() const { return volumes_; }
  // What we refused, by kind: "hello", "report", "message", "lost data".
  const std::map<std::string, RefusalLog>& refusals() const { return refusals_; }
  // What SPUs refused; each reason of a partition counts once until it gives another one.
  const RefusalLog& refused_assignments() const { return refused_assignments_; }

 private:
  struct Stream {
    std::string spu_id;  // empty before its Hello was taken
    base::SessionId session;
    bool closing = false;
    base::MonotonicTime opened_at;
  };
  // UNSPECIFIED: it may open a session.
  struct HelloVerdict {
    v1::NackReason reason = v1::NACK_REASON_UNSPECIFIED;
    std::string detail;
  };
  // What a batch on its way to the store was for.
  struct PendingBatch {
    enum class Purpose : std::uint8_t { kHistory, kSession, kReport, kAssignmentsAck, kReplace };
    Purpose purpose = Purpose::kHistory;
    std::string spu_id;
    base::SessionId session;
    base::Uuid volume;
    v1::AssignmentsAck ack;
    StoreBatch batch;
  };

  // controller_core.cc
  Effects TakeEffects();
  void Reply(StreamId stream, v1::AttachResponse message);
  void Close(StreamId stream, absl::Status why);
  StoreToken Store(StoreBatch batch, PendingBatch pending);
  // Without a number: Store() gives it one, so that what is not kept takes none.
  v1::Event NewEvent(const std::string& name, const std::string& subject, Moment moment);
  // Counts it, and writes a line of history unless the same was refused just now.
  void RecordRefusal(const std::string& kind, const std::string& reason, v1::Event event,
                     Moment moment);
  void SendNack(StreamId stream, v1::NackReason reason, const std::string& detail);
  void RefuseMessage(StreamId stream, v1::NackReason reason, const std::string& detail,
                     Moment moment);
  // FindSession() has found none for `what` ("heartbeat"): why, and telling the peer so.
  v1::NackReason WhyStray(StreamId stream) const;
  void RefuseStray(StreamId stream, const char* what, std::uint64_t session, Moment moment);
  // The session this stream carries, if it is the live one and `session` names it.
  Session* FindSession(StreamId stream, std::uint64_t session);
  void OnContact(const std::string& spu_id, Moment moment);

  // controller_sessions.cc
  void OnHello(StreamId stream, const v1::Hello& hello, Moment moment);
  HelloVerdict JudgeHello(const v1::Hello& hello) const;
  HelloVerdict FenceHello(const v1::Hello& hello, const SpuState& known) const;
  void RefuseHello(StreamId stream, const v1::Hello& hello, const HelloVerdict& verdict,
                   Moment moment);
  void RecordHelloRefusal(const std::string& spu_id, const std::string& hello,
                          const HelloVerdict& verdict, const SpuRecord* newest, Moment moment);
  void SendHelloNack(StreamId stream, const HelloVerdict& verdict, const SpuRecord* newest);
  void OpenSession(StreamId stream, const v1::Hello& hello, Moment moment);
  void AddVolumes(const v1::Hello& hello, Session& session, StoreBatch& batch, Moment moment);
  void OnSessionDone(const PendingBatch& pending, const absl::Status& status, Moment moment);
  void SendWelcome(const SpuState& spu);
  void EndSession(SpuState& spu, const std::string& why, Moment moment);
  void OnHeartbeat(StreamId stream, const v1::SpuHeartbeat& heartbeat, Moment moment);
  void TickSession(SpuState& spu, Moment moment);
  void TickStream(StreamId id, const Stream& stream, Moment moment);

  // controller_volumes.cc
  void OnReport(StreamId stream, const v1::Report& report, Moment moment);
  void OnOvertaken(VolumeState& volume, const PendingReport& pending, Moment moment);
  void JudgeReport(VolumeState& volume, const PendingReport& pending, Moment moment);
  void RefuseReport(StreamId stream, const v1::Report& report, const v1::Report& held,
                    v1::ReportRefusal refusal, const std::string& detail, Moment moment);
  void StoreReport(VolumeState& volume, const PendingReport& pending, Moment moment);
  v1::Event ReportEvent(const VolumeState& volume, const v1::Report& report, Moment moment);
  void RecordRefusedLift(const VolumeState& volume, const RefusedLift& lift, Moment moment);
  void OnReportDone(const PendingBatch& pending, const absl::Status& status, Moment moment);
  void DropForgottenLostData(VolumeState& volume);
  void Acknowledge(VolumeState& volume, const PendingReport& pending, Moment moment);
  void UpdateReach(VolumeState& volume, Moment moment);
  void UpdateReaches(const SpuState& spu, Moment moment);

  // controller_assignments.cc
  void SendAssignments(SpuState& spu, Moment moment);
  void OnAssignmentsAck(StreamId stream, const v1::AssignmentsAck& ack, Moment moment);
  void TakeAssignmentsAck(SpuState& spu, const v1::AssignmentsAck& ack, Moment moment);
  // The report of `volume` that waited is with the store now, or is gone.
  void ReleaseAcks(const base::Uuid& volume, Moment moment);
  void TakeHeldAcks(SpuState& spu, Moment moment);
  // Lines of history for assignments the SPU refuses for a reason it did not give before.
  void AddRefusedAssignments(const std::string& spu_id, StoreBatch& batch, Moment moment);
  void OnAssignmentsAckDone(const PendingBatch& pending, const absl::Status& status, Moment moment);
  void PublishAssignmentsAck(const PendingBatch& pending);
  // What the SPU has, and has not, in this session.
  void NoteTaken(const std::string& spu_id, base::SessionId session, const v1::AssignmentsAck& ack);
  void OnProgress(StreamId stream, const v1::Progress& progress, Moment moment);

  ControllerOptions options_;
  ClusterRecord cluster_;
  base::SessionId newest_session_;
  std::uint64_t newest_event_number_ = 0;
  StoreToken newest_token_;
  absl::Status store_status_;
  AssignmentSource* assignments_;
  std::map<StreamId, Stream> streams_;
  std::map<std::string, SpuState> spus_;
  std::map<base::Uuid, VolumeState> volumes_;
  std::map<StoreToken, PendingBatch> pending_;
  std::map<std::string, RefusalLog> refusals_;
  RefusalLog refused_assignments_;  // by SPUs, not by us

  Effects effects_;
  std::set<base::Uuid> changed_;
};

}  // namespace tidemark::sc
