// Whether the controller can persist, as the health port and the metrics may read it at any time.
//
// Lifetime:  shared by the loop (writer) and the health checks.
// Threading: any thread.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "sc/store/status_store.h"

namespace tidemark::sc {

class StoreHealth {
 public:
  // After each call of the store: what keeps it from persisting, as StoreThread knows it.
  void Publish(const absl::Status& problem, const StoreReserve& reserve);
  // How long the running call has run.
  void PublishBusy(base::Duration busy);

  // nullopt: it can persist, and no call hangs.
  std::optional<std::string> Problem() const;
  // What it lacks though it can persist: its reserve.
  std::optional<std::string> Note() const;
  StoreReserve reserve() const;

 private:
  mutable base::Mutex mutex_;
  absl::Status problem_ TM_GUARDED_BY(mutex_);
  StoreReserve reserve_ TM_GUARDED_BY(mutex_);
  base::Duration busy_ TM_GUARDED_BY(mutex_){0};
};

}  // namespace tidemark::sc
