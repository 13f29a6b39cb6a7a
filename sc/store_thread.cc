#include "sc/store_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/log.h"

namespace tidemark::sc {
namespace {

constexpr std::size_t kJobs = 4096;
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
}

template <typename Work, typename Result>
bool StoreThread::Run(Work work, absl::AnyInvocable<void(Result)> done, Result if_abandoned) {
  const std::uint64_t job = ++newest_job_;
  auto shared_done = std::make_shared<absl::AnyInvocable<void(Result)>>(std::move(done));
  const bool queued = worker_.TryRun(std::move(work), [this, job, shared_done](Result result) {
    unanswered_.erase(job);
    (*shared_done)(std::move(result));
    AnswerWhatWaited();
  });
  if (queued) {
    unanswered_.emplace(job, [shared_done, if_abandoned = std::move(if_abandoned)]() mutable {
      (*shared_done)(std::move(if_abandoned));
    });
  }
  return queued;
}

void StoreThread::Apply(std::shared_ptr<const StoreBatch> batch, Applied done) {
  auto shared_done = std::make_shared<Applied>(std::move(done));
  const std::size_t bytes = BytesOf(*batch);
  const bool queued =
      refused_.empty() &&
      Run<>(
          [store = store_, batch = std::move(batch), bytes] {
            const base::SystemClock clock;  // of its own: the thread may outlive everything else
            const base::MonotonicTime start = clock.Now();
            absl::Status status = store->Apply(*batch);
            return Outcome{std::move(status), store->reserve(), clock.Now() - start, bytes};
          },
          absl::AnyInvocable<void(Outcome)>([this, shared_done](const Outcome& outcome) {
            apply_seconds_.Observe(std::chrono::duration<double>(outcome.took).count());
            Learn(outcome);
            (*shared_done)(outcome.status);
          }),
          Outcome{Abandoned(), health_->reserve(), base::Duration::zero()});
  if (!queued) refused_.push_back(std::move(*shared_done));
  if (unanswered_.empty()) AnswerWhatWaited();  // abandoned: nothing else would
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
        return Outcome{std::move(status), store->reserve(), base::Duration::zero()};
      },
      absl::AnyInvocable<void(Outcome)>([this](const Outcome& outcome) {
        probing_ = false;
        Learn(outcome);
      }),
      Outcome{Abandoned(), health_->reserve(), base::Duration::zero()});
}

void StoreThread::Abandon() {
  worker_.Abandon();
  for (auto& [job, answer] : std::exchange(unanswered_, {})) answer();
  AnswerWhatWaited();
}

void StoreThread::WhenIdle(absl::AnyInvocable<void()> done) {
  when_idle_ = std::move(done);
  AnswerWhatWaited();
}

bool StoreThread::ShowsRecovery(const Outcome& outcome) const {
  if (!outcome.status.ok()) return false;
  if (problem_.ok()) return true;
  const bool probe = outcome.batch_bytes == 0;
  if (!probe && outcome.batch_bytes >= failed_bytes_) return true;
  // Without a reserve to take the probe alone looks for room.
  return outcome.reserve.held && (probe || outcome.reserve.bytes > 0);
}

void StoreThread::Learn(const Outcome& outcome) {
  const bool was_well = problem_.ok();
  if (!outcome.status.ok()) {
    failures_.Increment();
    problem_ = outcome.status;
    failed_bytes_ = std::max(failed_bytes_, outcome.batch_bytes);
    if (was_well) {
      daemon::Log(daemon::LogLevel::kError, "store.failed", {{"why", outcome.status.message()}});
    }
  } else if (ShowsRecovery(outcome)) {
    problem_ = absl::OkStatus();
    failed_bytes_ = 0;
    if (!was_well) daemon::Log(daemon::LogLevel::kInfo, "store.recovered");
  }
  health_->Publish(problem_, outcome.reserve);
  if (outcome.reserve.held != reserve_held_) {
    reserve_held_ = outcome.reserve.held;
    daemon::Log(reserve_held_ ? daemon::LogLevel::kInfo : daemon::LogLevel::kWarn,
                reserve_held_ ? "store.reserve_taken" : "store.reserve_given_up",
                {{"bytes", outcome.reserve.bytes}});
  }
}

void StoreThread::AnswerWhatWaited() {
  if (!unanswered_.empty()) return;
  std::deque<Applied> refused = std::exchange(refused_, {});
  for (Applied& done : refused) {
    done(absl::UnavailableError("too many changes wait for the store"));
  }
  if (unanswered_.empty() && refused_.empty() && when_idle_ != nullptr) {
    std::exchange(when_idle_, nullptr)();
  }
}

}  // namespace tidemark::sc
