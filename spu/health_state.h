// What health checks may know while the loop is stuck: published by the loop, read anywhere.
//
// Threading: Publish() from the loop, the rest from any thread.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"

namespace tidemark::spu {

struct HealthFacts {
  // Why a start has not finished: partitions still to be opened. Empty: it has.
  std::string starting = "not started yet";
  // A configured volume that is missing, foreign or failed. A full one is none of that.
  std::string volume_fault;
  // A fresh volume that has never held its room, and what it lacks.
  std::string first_start;
  // Why the controller does not take this SPU in, where it says that another has its place.
  std::string fenced;
  // A statvfs that does not come back.
  std::string stale_reading;

  bool operator==(const HealthFacts&) const = default;
};

class HealthState {
 public:
  // False if nothing is new.
  bool Publish(HealthFacts facts) {
    const base::MutexLock lock(mutex_);
    if (facts == facts_) return false;
    facts_ = std::move(facts);
    return true;
  }
  std::optional<std::string> Starting() const { return Get(&HealthFacts::starting); }
  std::optional<std::string> VolumeFault() const { return Get(&HealthFacts::volume_fault); }
  std::optional<std::string> FirstStart() const { return Get(&HealthFacts::first_start); }
  std::optional<std::string> Fenced() const { return Get(&HealthFacts::fenced); }
  std::optional<std::string> StaleReading() const { return Get(&HealthFacts::stale_reading); }

 private:
  std::optional<std::string> Get(std::string HealthFacts::*member) const {
    const base::MutexLock lock(mutex_);
    const std::string& text = facts_.*member;
    return text.empty() ? std::nullopt : std::optional(text);
  }

  mutable base::Mutex mutex_;
  HealthFacts facts_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::spu
