// What the controller knows of one volume: the durable record and, beside it, the reach.
//
// Reach is an axis of its own: nothing that happens to a connection touches `record`.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "sc/core/effect.h"
#include "sc/core/records.h"

namespace tidemark::sc {

// A report on its way into the store, or waiting behind one that is.
struct PendingReport {
  v1::Report report;
  StreamId stream;
  base::MonotonicTime arrived;
};

struct VolumeState {
  // As durable; but `accepted.reading`, `.room` and the bytes short may be newer than the store.
  VolumeRecord record;
  bool reported() const { return record.accepted.generation() != 0; }

  v1::Reach reach = v1::REACH_DOWN;
  std::string reach_reason;
  // Since when it is (not) reachable, for people.
  base::WallMillis reach_since_unix_ms = 0;
  // When the report came in that is shown; none since the start of this process. One that could
  // not be stored does not make what is shown any newer.
  std::optional<base::MonotonicTime> heard_at;

  // Of the session the newest report came in.
  base::SessionId session;
  std::uint64_t sequence = 0;
  // A report of this volume was accepted durably in `session`.
  bool synced = false;
  std::string refused;  // why the session's newest report was; empty: it was not
  // What is durable says nothing against Online, but a newer report does, and is being stored.
  bool contradicted = false;
  // Partitions its SPU has said in session `taken_in` that it has here. What it said in an earlier
  // one is no answer: their directories may be gone since.
  base::SessionId taken_in;
  std::set<base::PartitionId> taken;
  bool HasTaken(base::PartitionId id) const { return taken_in == session && taken.contains(id); }
  // The newest report was a device fault alone: the SPU's digest leaves the volume out.
  bool fault_alone = false;

  std::optional<PendingReport> in_store;
  StoreToken in_store_token;
  // Reports are absolute: of those that wait, only the newest counts.
  std::optional<PendingReport> waiting;
  // The store failed this volume's last report: not Up before one was taken.
  bool store_failed = false;
};

}  // namespace tidemark::sc
