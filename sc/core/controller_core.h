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

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "sc/core/assignment_source.h"
#include "sc/core/effect.h"
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
  // Leases, batches that hang, assignments to send again. Every quarter of a heartbeat or so.
  [[nodiscard]] Effects Tick(Moment moment);

  // The source has a new durable version for this SPU.
  [[nodiscard]] Effects AssignmentsChanged(const std::string& spu_id, Moment moment);
  // `tidemark spu replace`. kNotFound for an unknown SPU; the old uuid is in the record.
  [[nodiscard]] absl::StatusOr<Effects> AllowReplace(const std::string& spu_id, Moment moment);

  // False from a failed batch on until the next one that succeeds: the SC is not ready meanwhile.
  const absl::Status& store_status() const { return store_status_; }

  // Next number for an event of the services: history has one sequence.
  std::uint64_t TakeEventNumber() { return ++newest_event_number_; }

  const ClusterRecord& cluster() const { return cluster_; }
  const std::map<std::string, SpuState>& spus() const { return spus_; }
  const std::map<base::Uuid, VolumeState>& volumes() const { return volumes_; }
  const std::map<base::PartitionId, v1::PartitionProgress>& progress() const { return progress_; }
  const RefusalLog& refusals() const { return refusals_; }

 private:
  ControllerOptions options_;
  ClusterRecord cluster_;
  base::SessionId newest_session_;
  std::uint64_t newest_event_number_ = 0;
  std::uint64_t newest_token_ = 0;
  absl::Status store_status_;
  AssignmentSource* assignments_;
  std::map<std::string, SpuState> spus_;
  std::map<base::Uuid, VolumeState> volumes_;
  std::map<base::PartitionId, v1::PartitionProgress> progress_;
  RefusalLog refusals_;
};

}  // namespace tidemark::sc
