// What the controller knows of one SPU: the newest Hello taken, and the session that is live.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "base/uuid.h"
#include "sc/core/effect.h"
#include "sc/core/records.h"

namespace tidemark::sc {

// An acknowledgement of assignments that came after reports which still wait for the store, or
// after another that is in it: rows are made from what is published.
struct HeldAck {
  v1::AssignmentsAck ack;
  std::set<base::Uuid> behind;
};

struct Session {
  base::SessionId id;
  StreamId stream;
  // False until the number is durable: no Welcome was sent.
  bool live = false;
  StoreToken token;
  std::set<base::Uuid> volumes;
  std::set<base::Uuid> unvouched;  // by the newest heartbeat
  base::MonotonicTime last_contact;
  // The lease ran out; a late heartbeat renews it.
  bool lease_out = false;

  std::uint64_t assignments_sent = 0;
  std::uint64_t assignments_acked = 0;
  base::MonotonicTime assignments_sent_at;
  std::deque<HeldAck> held_acks;
  bool acks_dropped = false;  // more were held than can be: all is asked for again
};

struct SpuState {
  // The newest Hello seen, which may be ahead of the store by the batch that is on its way.
  SpuRecord record;
  std::optional<Session> session;
  // Since when it is (not) attached, for people.
  base::WallMillis since_unix_ms = 0;
  // Why there is no session, for people.
  std::string down_reason;
  // Acknowledgements in the store, also of a session that has ended since: the next one waits.
  int acks_in_store = 0;
  // Offsets and sizes it told of its partitions. Not durable.
  std::map<base::PartitionId, v1::PartitionProgress> progress;

  bool attached() const { return session && session->live && !session->lease_out; }
};

}  // namespace tidemark::sc
