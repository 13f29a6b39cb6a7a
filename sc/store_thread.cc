#include "sc/store_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/log.h"

namespace tidemark::sc {
namespace {

constexpr std::size_t kJobs = 4096;
constexpr std::size_t kBatches = 4096;  // waiting
constexpr std::size_t kTogether = 256;  // in one transaction
constexpr base::Duration kProbeInterval = std::chrono::seconds(1);

// About what it takes on the disk; only compared with others of its kind.
std::size_t BytesOf(const StoreBatch& batch) {
  constexpr std::size_t kRowBytes = 128;
  std::size_t bytes = kRowBytes * (1 + batch.spus.size() + batch.volumes.size() +
                                   batch.topics.size() + batch.deleted_topics.size() +
                                   batch.partitions.size() + batch.deleted_partitions.size() +
                                   batch.tombstones.size() + batch.deleted_tombstones.size());
  for (const VolumeRecord& volume : batch.volumes) bytes += volume.accepted.ByteSizeLong();
  for (const PartitionRecord& partition : batch.partitions)
    bytes += partition.refusal_detail.size();
  for (const EventRecord& event : batch.events) bytes += event.ByteSizeLong();
  return bytes;
}

// A full queue refuses one after the other, in its turn.
absl::Status QueueWasFull() {
  return absl::UnavailableError("too many changes wait for the store");
}

void WarnOfReserve(const char* event, const StoreReserve& reserve) {
  daemon::Log(
      daemon::LogLevel::kWarn, event,
      {{"bytes", reserve.bytes}, {"taken_from_available_bytes_on", reserve.taken_from_bytes()}});
}

absl::Status Abandoned() { return absl::UnavailableError("the store's disk hangs"); }

}  // namespace

StoreThread::StoreThread(daemon::EventLoop& loop, std::shared_ptr<StatusStore> store,
                         std::shared_ptr<StoreHealth> health, daemon::MetricRegistry& metrics)
    : store_(std::move(store)),
      health_(std::move(health)),
      apply_seconds_(metrics.AddHistogram("tidemark_sc_store_apply_seconds",
                                          "Time of one durable transaction.")),
      failures_(metrics.AddCounter("tidemark_sc_store_failures_total",
                                   "Transactions that could not be made durable.")),
      reserve_held_(store_->reserve().held),
      worker_(loop, "sc-store", kJobs) {
  health_->Publish(absl::OkStatus(), store_->reserve());
  // A store that starts without it never gives it up: nothing else would say so.
  if (!reserve_held_) WarnOfReserve("store.reserve_missing", store_->reserve());
}

template <typename Work, typename Result>
bool StoreThread::Run(Work work, absl::AnyInvocable<void(Result)> done, Result if_abandoned) {
  const std::uint64_t job = ++newest_job_;
  auto shared_done = std::make_shared<absl::AnyInvocable<void(Result)>>(std::move(done));
  const bool queued = worker_.TryRun(std::move(work), [this, job, shared_done](Result result) {
    unanswered_.erase(job);
    (*shared_done)(std::move(result));
    ApplyNext();
  });
  if (queued) {
    unanswered_.emplace(job, [shared_done, if_abandoned = std::move(if_abandoned)]() mutable {
      (*shared_done)(std::move(if_abandoned));
    });
  }
  return queued;
}

void StoreThread::Apply(std::shared_ptr<const StoreBatch> batch, Applied done) {
  if (waiting_.size() >= kBatches) batch = nullptr;
  waiting_.push_back({std::move(batch), std::move(done)});
  ApplyNext();
}

StoreThread::Batches StoreThread::NextBatches() const {
  Batches batches;
  for (const Waiting& waiting : waiting_) {
    if (waiting.batch == nullptr || batches.size() == kTogether) break;
    batches.push_back(waiting.batch);
  }
  return batches;
}

StoreThread::Outcome StoreThread::ApplyAll(StatusStore& store, const Batches& batches) {
  const base::SystemClock clock;  // of its own: the thread may outlive everything else
  const base::MonotonicTime start = clock.Now();
  const bool together = batches.size() > 1 && store.ApplyTogether(batches).ok();
  std::vector<Write> writes;
  for (const auto& batch : batches) {
    writes.push_back({together ? absl::OkStatus() : store.Apply(*batch), BytesOf(*batch)});
  }
  return {std::move(writes), store.reserve(), clock.Now() - start};
}

// Hands over what waits, if the thread has none of it.
void StoreThread::ApplyNext() {
  while (applying_ == 0 && !waiting_.empty()) {
    Batches batches = NextBatches();
    if (batches.empty()) {
      Answer({{QueueWasFull()}});
      continue;
    }
    std::vector<Write> if_abandoned(batches.size(), Write{Abandoned()});
    applying_ = batches.size();
    const bool queued =
        Run<>([store = store_, batches = std::move(batches)] { return ApplyAll(*store, batches); },
              absl::AnyInvocable<void(Outcome)>([this](const Outcome& outcome) {
                apply_seconds_.Observe(std::chrono::duration<double>(outcome.took).count());
                Learn(outcome);
                Answer(outcome.writes);
                applying_ = 0;
              }),
              Outcome{if_abandoned, health_->reserve(), base::Duration::zero()});
    if (queued) return;
    // Full of other jobs: the answer to one of them comes here. Else the thread was abandoned.
    if (unanswered_.empty()) Answer(if_abandoned);
    applying_ = 0;
    if (!unanswered_.empty()) return;
  }
  if (applying_ == 0 && waiting_.empty() && unanswered_.empty() && when_idle_ != nullptr) {
    std::exchange(when_idle_, nullptr)();
  }
}

// The first ones that wait. What they ask for next stands behind all others.
void StoreThread::Answer(const std::vector<Write>& writes) {
  for (const Write& write : writes) {
    Applied done = std::move(waiting_.front().done);
    waiting_.pop_front();
    done(write.status);
  }
}

void StoreThread::Events(const EventQuery& query, Found done) {
  auto shared_done = std::make_shared<Found>(std::move(done));
  using Result = absl::StatusOr<std::vector<EventRecord>>;
  const bool queued = Run<>([store = store_, query] { return store->Events(query); },
                            absl::AnyInvocable<void(Result)>([shared_done](Result events) {
                              (*shared_done)(std::move(events));
                            }),
                            Result(Abandoned()));
  if (!queued) (*shared_done)(absl::UnavailableError("the store is too busy; try again"));
}

void StoreThread::Tick(base::MonotonicTime now) {
  health_->PublishBusy(worker_.busy_for());
  if ((problem_.ok() && reserve_held_) || probing_ || now - probed_at_ < kProbeInterval) return;
  probed_at_ = now;
  probing_ = Run<>(
      [store = store_] {
        absl::Status status = store->Probe();
        return Outcome{{{std::move(status)}}, store->reserve(), base::Duration::zero()};
      },
      absl::AnyInvocable<void(Outcome)>([this](const Outcome& outcome) {
        probing_ = false;
        Learn(outcome);
      }),
      Outcome{{{Abandoned()}}, health_->reserve(), base::Duration::zero()});
}

void StoreThread::Abandon() {
  worker_.Abandon();
  for (auto& [job, answer] : std::exchange(unanswered_, {})) answer();
  ApplyNext();
}

bool StoreThread::StopWithin(base::Duration grace) {
  // Nobody hears any more what became of it, but what was asked for is done.
  Batches rest;
  for (std::size_t i = applying_; i < waiting_.size() && waiting_[i].batch != nullptr; ++i) {
    rest.push_back(waiting_[i].batch);
  }
  if (!rest.empty()) {
    worker_.TryRun([store = store_, rest = std::move(rest)] { return ApplyAll(*store, rest); },
                   [](const Outcome&) {});
  }
  return worker_.StopWithin(grace);
}

void StoreThread::WhenIdle(absl::AnyInvocable<void()> done) {
  when_idle_ = std::move(done);
  ApplyNext();
}

bool StoreThread::ShowsRecovery(const Write& write, const StoreReserve& reserve) const {
  const bool probe = write.bytes == 0;
  if (!probe && write.bytes >= failed_bytes_) return true;
  // Without a reserve to take the probe alone looks for room.
  return reserve.held && (probe || reserve.bytes > 0);
}

void StoreThread::Learn(const Outcome& outcome) {
  const bool was_well = problem_.ok();
  for (const Write& write : outcome.writes) {
    if (!write.status.ok()) {
      failures_.Increment();
      problem_ = write.status;
      failed_bytes_ = std::max(failed_bytes_, write.bytes);
    } else if (!problem_.ok() && ShowsRecovery(write, outcome.reserve)) {
      problem_ = absl::OkStatus();
      failed_bytes_ = 0;
    }
  }
  if (was_well && !problem_.ok()) {
    daemon::Log(daemon::LogLevel::kError, "store.failed", {{"why", problem_.message()}});
  } else if (!was_well && problem_.ok()) {
    daemon::Log(daemon::LogLevel::kInfo, "store.recovered");
  }
  health_->Publish(problem_, outcome.reserve);
  if (outcome.reserve.held != reserve_held_) {
    reserve_held_ = outcome.reserve.held;
    if (reserve_held_) {
      daemon::Log(daemon::LogLevel::kInfo, "store.reserve_taken",
                  {{"bytes", outcome.reserve.bytes}});
    } else {
      WarnOfReserve("store.reserve_given_up", outcome.reserve);
    }
  }
}

}  // namespace tidemark::sc
