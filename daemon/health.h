// Named health checks and what /livez, /readyz and /startupz say about them.
//
// Checks run on whichever thread asks (HTTP, the gRPC health publisher), also while the loop is
// stuck: they read atomics and snapshots, never loop state. Liveness is one check, LoopTurns(): a
// full disk must never restart a pod.
//
// Lifetime:  checks are added before the first request.
// Threading: Add() before serving; everything else from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "daemon/loop/loop_heartbeat.h"

namespace tidemark::daemon {

enum class HealthQuestion : std::uint8_t { kLive, kReady, kStarted };

// nullopt: ok; otherwise why not.
using HealthCheck = std::function<std::optional<std::string>()>;
// What a person should know of a check that passes; nullopt: nothing.
using HealthNote = std::function<std::optional<std::string>()>;

struct HealthAnswer {
  bool ok = true;
  std::string text;
};

class HealthRegistry {
 public:
  // `name` is lower case with dashes, unique, and stands in ?exclude=.
  void Add(std::string name, std::set<HealthQuestion> questions, HealthCheck check,
           HealthNote note = nullptr);

  bool Ok(HealthQuestion question) const;
  // Failing answers always list every check: "[+]loop ok", "[+]store ok: note",
  // "[-]disk failed: why".
  HealthAnswer Ask(HealthQuestion question, bool verbose,
                   const std::set<std::string>& exclude) const;

 private:
  struct Entry {
    std::string name;
    std::set<HealthQuestion> questions;
    HealthCheck check;
    HealthNote note;
  };

  std::vector<Entry> entries_;
};

// Fails when the loop has not turned for `limit`.
HealthCheck LoopTurns(std::shared_ptr<const LoopHeartbeat> heartbeat, const base::Clock& clock,
                      base::Duration limit);

}  // namespace tidemark::daemon
