// What the controller core asks its edge to do. Effects are done in order.
//
// A Send before a CloseStream reaches the peer: the edge closes when the writes are out. Batches
// are committed in the order they were asked for, and StoreDone() is called in that order.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "base/strong_int.h"
#include "base/uuid.h"
#include "sc/core/records.h"

namespace tidemark::sc {

// One Attach call. Chosen by the edge, never reused within a process.
using StreamId = base::StrongInt<struct StreamIdTag, std::uint64_t>;
// One batch on its way to the store.
using StoreToken = base::StrongInt<struct StoreTokenTag, std::uint64_t>;

struct Send {
  StreamId stream;
  v1::AttachResponse message;
};

struct CloseStream {
  StreamId stream;
  absl::Status why;
};

struct Persist {
  StoreToken token;
  StoreBatch batch;
};

// Verdict or reach of these volumes, or an assignment on them, changed: watchers look again.
struct Changed {
  std::vector<base::Uuid> volumes;
};

using Effect = std::variant<Send, CloseStream, Persist, Changed>;
using Effects = std::vector<Effect>;

}  // namespace tidemark::sc
