// What the cluster is for: records in, records out, records trimmed.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "cli/client/spu_client.h"
#include "tests/integration/disks/cluster.h"
#include "tests/support/await.h"

namespace tidemark::disks {
namespace {

namespace log_pb = log::v1;

// Many small disks on one large one: a sync of it all makes everybody wait.
constexpr auto kTrimDeadline = 4 * support::kLongWait;

// Hears the outcomes, on the producer's thread.
class Outcomes {
 public:
  explicit Outcomes(story::Ledger& ledger) : ledger_(ledger) {}

  void Take(const client::Outcome& outcome) {
    client::Outcome told = outcome;
    const auto reason =
        outcome.refusal ? outcome.refusal->reason() : log_pb::REFUSAL_REASON_UNSPECIFIED;
    // Not acknowledged; whether it is in the log nobody knows.
    if (reason == log_pb::REFUSAL_REASON_COMMIT_FAILED) told.refusal.reset();
    ledger_.Take(told);
    base::MutexLock lock(mutex_);
    if (outcome.status.ok()) {
      written_.records += static_cast<std::int64_t>(outcome.tags.size());
      return;
    }
    if (written_.why.empty()) written_.why = outcome.status.ToString();
    switch (reason) {
      case log_pb::REFUSAL_REASON_OUT_OF_SPACE:
        written_.refused.insert(outcome.partition_id);
        return;
      case log_pb::REFUSAL_REASON_COMMIT_FAILED:
      case log_pb::REFUSAL_REASON_VOLUME_FAILED:
        written_.failed = true;
        return;
      default:
        if (error_.ok()) error_ = outcome.status;
    }
  }

  bool Over(std::uint64_t partition) {
    base::MutexLock lock(mutex_);
    return written_.failed || !error_.ok() || written_.refused.contains(partition);
  }
  absl::Status error() {
    base::MutexLock lock(mutex_);
    return error_;
  }
  Written written() {
    base::MutexLock lock(mutex_);
    return written_;
  }

 private:
  story::Ledger& ledger_;
  base::Mutex mutex_;
  Written written_ TM_GUARDED_BY(mutex_);
  absl::Status error_ TM_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<Written> Cluster::Write(const std::set<std::uint64_t>& partitions,
                                       std::int64_t bytes) {
  Outcomes outcomes(ledger_);
  // By the SPU's clock: a record of ours would be too old for it.
  const base::WallMillis at =
      base::SystemClock().WallNow() + spu_clock_->shift() / std::chrono::milliseconds(1);
  {
    TM_ASSIGN_OR_RETURN(
        const auto producer,
        client::Producer::Connect(
            agent_, {},
            {[&outcomes](const client::Outcome& outcome) { outcomes.Take(outcome); }, nullptr}));
    std::int64_t sent = 0;
    bool more = true;
    while (more && sent < bytes) {
      more = false;
      for (const std::uint64_t partition : partitions) {
        if (outcomes.Over(partition)) continue;
        more = true;
        const std::uint64_t tag = ledger_.NextTag();
        const std::string value = ledger_.ValueOf(partition, tag);
        TM_RETURN_IF_ERROR(
            producer->Append(partition, {.key = {}, .value = value, .timestamp = at}, tag));
        sent += static_cast<std::int64_t>(value.size());
      }
    }
    TM_RETURN_IF_ERROR(producer->Flush(support::kLongWait));
  }
  TM_RETURN_IF_ERROR(outcomes.error());
  return outcomes.written();
}

absl::Status Cluster::ReadEverything() {
  for (const std::uint64_t partition : all_) {
    TM_ASSIGN_OR_RETURN(const story::ReadBack read, ledger_.ReadAll(agent_, partition));
    ledger_.Forget(partition, read.log_start);
  }
  return absl::OkStatus();
}

absl::Status Cluster::Trim(std::int64_t keep) {
  const client::SpuClient spu(agent_, kTrimDeadline);
  for (const std::uint64_t partition : all_) {
    TM_ASSIGN_OR_RETURN(const story::ReadBack read, ledger_.ReadAll(agent_, partition));
    const std::int64_t before = read.log_start + std::max<std::int64_t>(0, read.records - keep);
    if (before == read.log_start) continue;
    TM_RETURN_IF_ERROR(spu.Trim(partition, before).status());
    ledger_.Forget(partition, before);
  }
  return absl::OkStatus();
}

}  // namespace tidemark::disks
