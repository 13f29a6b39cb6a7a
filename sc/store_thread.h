// The store on a thread of its own: SQLite never runs on the loop.
//
// Batches are committed in the order they were given, and answered in that order, also those that
// found the queue full. What arrives while a transaction is on its way shares the next one; if that
// fails, each of them is tried alone. After a failure, and while the reserve is missing, the store
// is probed, so that health recovers without traffic.
//
// A full disk takes a few bytes for a long time, so that a small write shows nothing. A store that
// failed a batch is well again when it took one as large, or when its reserve is held.
//
// Lifetime:  the loop outlives it. `store` is shared with the thread, which may hang in the kernel.
// Threading: confined to the loop.
// Errors:    as StatusStore; kUnavailable when too many batches wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "daemon/loop/event_loop.h"
#include "daemon/loop/worker_thread.h"
#include "daemon/metrics.h"
#include "sc/store/status_store.h"
#include "sc/store_health.h"

namespace tidemark::sc {

class StoreThread {
 public:
  using Applied = absl::AnyInvocable<void(absl::Status)>;
  using Found = absl::AnyInvocable<void(absl::StatusOr<std::vector<EventRecord>>)>;

  StoreThread(daemon::EventLoop& loop, std::shared_ptr<StatusStore> store,
              std::shared_ptr<StoreHealth> health, daemon::MetricRegistry& metrics);

  // `batch` is shared with the thread, and free to be read meanwhile.
  void Apply(std::shared_ptr<const StoreBatch> batch, Applied done);
  void Events(const EventQuery& query, Found done);
  // A few times a second: probes when there is a reason to.
  void Tick(base::MonotonicTime now);
  // `done` once, when nothing waits any more.
  void WhenIdle(absl::AnyInvocable<void()> done);
  // The disk hangs: leaves the thread to itself and answers everything that waits for it with
  // kUnavailable. Nothing can be stored afterwards.
  void Abandon();
  // OK unless a batch failed and the store has not recovered since, see above.
  const absl::Status& problem() const { return problem_; }
  // The same as people read it, and whether a call hangs.
  std::optional<std::string> Problem() const { return health_->Problem(); }
  // False if the disk hangs: then the thread is left to itself.
  bool StopWithin(base::Duration grace);

 private:
  struct Waiting {
    std::shared_ptr<const StoreBatch> batch;  // null: it found the queue full
    Applied done;
  };
  using Batches = std::vector<std::shared_ptr<const StoreBatch>>;
  struct Write {
    absl::Status status;
    std::size_t bytes = 0;  // 0: a probe
  };
  struct Outcome {
    std::vector<Write> writes;  // of each batch, or the probe
    StoreReserve reserve;
    base::Duration took{0};
  };

  // Hands the job to the thread; `done` is then kept until the thread answers, or never will.
  template <typename Work, typename Result>
  bool Run(Work work, absl::AnyInvocable<void(Result)> done, Result if_abandoned);
  static Outcome ApplyAll(StatusStore& store, const Batches& batches);
  // Those at the front of waiting_ that one transaction may hold.
  Batches NextBatches() const;
  void ApplyNext();
  void Answer(const std::vector<Write>& writes);
  bool ShowsRecovery(const Write& write, const StoreReserve& reserve) const;
  void Learn(const Outcome& outcome);

  std::shared_ptr<StatusStore> store_;
  std::shared_ptr<StoreHealth> health_;
  daemon::Histogram apply_seconds_;
  daemon::Counter failures_;
  std::deque<Waiting> waiting_;  // the first `applying_` of them are with the thread
  std::size_t applying_ = 0;
  absl::AnyInvocable<void()> when_idle_;
  // What to call if the thread is abandoned, for every job it has not answered, in order.
  std::map<std::uint64_t, absl::AnyInvocable<void()>> unanswered_;
  std::uint64_t newest_job_ = 0;
  absl::Status problem_;
  std::size_t failed_bytes_ = 0;  // of the largest batch that failed since the store was well
  bool reserve_held_ = true;
  bool probing_ = false;
  base::MonotonicTime probed_at_;
  daemon::WorkerThread worker_;  // last: its jobs' answers use the rest
};

}  // namespace tidemark::sc
