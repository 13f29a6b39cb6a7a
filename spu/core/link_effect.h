// What the link core asks its edge to do. Effects are done in order.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/strong_int.h"
#include "base/uuid.h"
#include "spu/core/identity_record.h"
#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::spu {

// One try to attach. Never reused within a process; effects and events of others are void.
using LinkStreamId = base::StrongInt<struct LinkStreamIdTag, std::uint64_t>;

// Open a new channel and call Attach on it. Messages sent before it stands are queued.
struct OpenStream {
  LinkStreamId stream;
};

struct SendMessage {
  LinkStreamId stream;
  sc::v1::AttachRequest message;
};

struct CloseLinkStream {
  LinkStreamId stream;
  std::string why;
};

// Make it durable before the next effect is begun; on failure drop the rest and call
// IdentityNotPersisted().
struct PersistIdentity {
  IdentityRecord identity;
};

// The SC would not believe that space came back: close the gate, persist the hold at the next
// generation, prove again.
struct ProofRefused {
  base::Uuid volume;
  base::Generation generation;
  std::string detail;
};

// The SC knows more of this volume than it does itself: it was wiped, restored or rolled back.
// Persist space(unproven) at max(own, known) + 1 with an episode above both, and prove.
struct Wiped {
  base::Uuid volume;
  base::Generation known_generation;
  base::Episode known_episode;
};

// Take these on, and answer with AcknowledgeAssignments(). Absence never deletes.
struct ApplyAssignments {
  sc::v1::Assignments assignments;
};

// Wants a person; the link goes on trying, slowly. Say it loudly, once per change.
struct Complain {
  std::string what;
};

// Attached, or no longer: for status and health.
struct LinkChanged {
  bool attached = false;
  std::string why;
};

// Another is this SPU, or has its volumes: what is written here would be no part of the log. No
// appends until it is lifted (`why` empty); reads go on.
struct Fence {
  std::string why;
};

// Another boot or a clone of this SPU took over: stop now.
struct ExitProcess {
  int code = 0;
  std::string why;
};

using LinkEffect =
    std::variant<OpenStream, SendMessage, CloseLinkStream, PersistIdentity, ProofRefused, Wiped,
                 ApplyAssignments, Complain, LinkChanged, Fence, ExitProcess>;
using LinkEffects = std::vector<LinkEffect>;

}  // namespace tidemark::spu
