// The newest report of every volume, and how far the SC has got with it.
//
// Absolute and level-triggered: a newer report of a volume takes the place of the older one, sent
// or not, and only the answer to the newest one counts.
//
// Lifetime:  value type, holds no references.
// Threading: confined to the SPU's loop.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"
#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::spu {

class ReportQueue {
 public:
  struct Entry {
    std::string path;
    // Generation 0: no verdict to tell, or not yet.
    sc::v1::Report report;
    // What its disk says is known, be it that it never had a verdict. A fault alone says nothing.
    bool opened = false;
    // What of it cannot wait, to tell it from the next one's.
    std::string urgent_part;
    bool acknowledged = false;
    bool sent = false;  // in this session
    base::MonotonicTime sent_at;
    // The reading or the like is newer than what was sent: with the next heartbeat is soon enough.
    bool lazy = false;
    // What the SC said it knows, while we had nothing to compare it with.
    std::optional<sc::v1::KnownVolume> known;
    // Not to be sent at or below these: the SC refused it or knows better. It waits for the policy.
    std::uint64_t blocked_generation = 0;
    std::uint64_t blocked_episodes = 0;
    bool blocked = false;

    // There is something to tell: a verdict, or a device fault where there is none.
    bool tells() const { return report.generation() != 0 || report.device_faults_size() > 0; }
    // While the verdict waits for the policy a device fault is told alone: it goes beside the
    // generation, never by it.
    bool fault_alone() const { return blocked && report.device_faults_size() > 0; }
    bool sendable() const { return tells() && (!blocked || fault_alone()); }
  };

  // False if it was there already.
  bool Add(const base::Uuid& volume, const std::string& path);
  // Returns true if it says something that cannot wait. A volume never added is an error of ours.
  bool Set(const base::Uuid& volume, sc::v1::Report report);

  // A new session: everything is to be told again.
  void Restart();
  void Block(const base::Uuid& volume, std::uint64_t generation, std::uint64_t episodes);
  // Never sent in this session, or sent `resend` ago without an answer, or stale at a heartbeat.
  std::vector<base::Uuid> Due(base::MonotonicTime now, base::Duration resend, bool heartbeat) const;
  // The report to put on the wire now, marked as sent.
  sc::v1::Report Take(const base::Uuid& volume, base::MonotonicTime now);

  // All acknowledged. Not so while a volume waits for the policy.
  bool settled() const;
  // Of everything there is to tell, for the heartbeat.
  std::uint64_t Digest() const;

  Entry* Find(const base::Uuid& volume);
  const std::map<base::Uuid, Entry>& entries() const { return entries_; }

 private:
  std::map<base::Uuid, Entry> entries_;
  std::uint64_t newest_sequence_ = 0;
};

}  // namespace tidemark::spu
