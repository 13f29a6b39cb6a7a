#include "tests/integration/faults/scripted_day.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "tests/support/await.h"

namespace tidemark::faults {
namespace {

constexpr int kAppendsMax = 100;  // far more than the volume holds
constexpr std::int64_t kSegmentRecords = 3;
constexpr std::int64_t kRetentionBytes = 14'000;
constexpr int kRetainedAppends = 4;

bool HoldsSpace(const space::v1::Volume& volume) {
  return std::ranges::find(volume.holds().held(), space::v1::HOLD_KIND_SPACE) !=
         volume.holds().held().end();
}

}  // namespace

// The newest outcome of the producer, handed from its thread to ours.
class ScriptedDay::Outcomes {
 public:
  Outcomes(DayLedger& ledger, Witness& witness) : ledger_(ledger), witness_(witness) {}

  void Take(const client::Outcome& outcome) {
    base::MutexLock lock(mutex_);
    ledger_.Take(outcome);
    if (outcome.status.ok()) witness_.Acknowledged(sent_at_);
    newest_ = outcome;
  }
  void Sending(std::uint64_t at) {
    base::MutexLock lock(mutex_);
    sent_at_ = at;
    newest_.reset();
  }
  std::optional<client::Outcome> newest() const {
    base::MutexLock lock(mutex_);
    return newest_;
  }

 private:
  DayLedger& ledger_;
  Witness& witness_;
  mutable base::Mutex mutex_;
  std::uint64_t sent_at_ TM_GUARDED_BY(mutex_) = 0;
  std::optional<client::Outcome> newest_ TM_GUARDED_BY(mutex_);
};

ScriptedDay::ScriptedDay(Cluster& cluster, DayLedger& ledger, Witness& witness)
    : cluster_(cluster),
      ledger_(ledger),
      witness_(witness),
      outcomes_(std::make_unique<Outcomes>(ledger, witness)) {}

ScriptedDay::~ScriptedDay() = default;

absl::Status ScriptedDay::Expect(bool condition, const std::string& what) const {
  return condition || !undisturbed_ ? absl::OkStatus() : absl::InternalError(what);
}

absl::Status ScriptedDay::Live(bool undisturbed) {
  undisturbed_ = undisturbed;
  struct Step {
    const char* name;
    absl::Status (ScriptedDay::*run)();
  };
  constexpr Step kSteps[] = {
      {"provision", &ScriptedDay::AwaitAccepting},
      {"create topics", &ScriptedDay::CreateTopics},
      {"fill", &ScriptedDay::Fill},
      {"full", &ScriptedDay::StayFull},
      {"restart in the gap", &ScriptedDay::RestartInTheGap},
      {"reclaim", &ScriptedDay::Reclaim},
      {"retention", &ScriptedDay::Retain},
      {"topic delete", &ScriptedDay::Delete},
      {"stop", &ScriptedDay::Stop},
  };
  if (absl::Status started = cluster_.StartAgent(); !started.ok()) {
    return base::Annotate(started, "start");
  }
  for (const Step& step : kSteps) {
    if (absl::Status status = (this->*step.run)(); !status.ok()) {
      return base::Annotate(status, step.name);
    }
  }
  return absl::OkStatus();
}

absl::Status ScriptedDay::AwaitAgent(const std::function<bool(const space::v1::Volume&)>& condition,
                                     const std::string& what) {
  absl::Status failure;
  std::string last;
  const auto seen = support::WaitFor(
      [&] {
        const auto volume = witness_.LookAtAgent();
        failure = volume.status();
        if (!volume.ok()) return true;
        if (condition(*volume)) return true;
        last = volume->holds().ShortDebugString();
        if (volume->device_faults_size() > 0) {
          failure = absl::UnavailableError(
              absl::StrFormat("device fault: %s", volume->device_faults(0).detail()));
        }
        return !failure.ok();
      },
      patience_, what, kLookEvery);
  if (!seen) return absl::DeadlineExceededError(absl::StrFormat("%s: %s", seen.message(), last));
  return failure;
}

absl::Status ScriptedDay::AwaitAccepting() {
  return AwaitAgent([](const space::v1::Volume& volume) { return volume.accepting(); },
                    "the volume to accept");
}

// All partitions are open by then: room is told of a volume that has started.
absl::Status ScriptedDay::AwaitVerdict() {
  return AwaitAgent(
      [](const space::v1::Volume& volume) {
        return volume.accepting() || (volume.has_room() && HoldsSpace(volume));
      },
      "the SPU to accept, or to say that it is full");
}

absl::Status ScriptedDay::AwaitStatus(std::uint64_t partition_id, sc::v1::PartitionStatus status) {
  absl::Status failure;
  const auto shown = support::WaitFor(
      [&] {
        const auto view = witness_.LookAtController();
        failure = view.status();
        if (!view.ok()) return true;
        return std::ranges::any_of(view->partitions, [&](const sc::v1::Partition& partition) {
          return partition.id() == partition_id && partition.status() == status;
        });
      },
      patience_, "the SC to show " + sc::v1::PartitionStatus_Name(status), kLookEvery);
  return shown ? failure : absl::DeadlineExceededError(shown.message());
}

absl::StatusOr<std::uint64_t> ScriptedDay::CreateTopic(const std::string& name,
                                                       std::int64_t retention_bytes) {
  sc::v1::CreateTopicRequest request;
  request.set_name(name);
  request.set_partitions(1);
  request.mutable_policy()->set_retention_bytes(retention_bytes);
  TM_ASSIGN_OR_RETURN(const auto created, cluster_.controller().CreateTopic(request));
  const std::uint64_t id = created.partitions(0).id();
  TM_RETURN_IF_ERROR(AwaitStatus(id, sc::v1::PARTITION_STATUS_ONLINE));
  return id;
}

absl::Status ScriptedDay::CreateTopics() {
  // The SC may place nothing on a volume it has not heard of.
  absl::Status failure;
  const auto known = support::WaitFor(
      [&] {
        const auto view = witness_.LookAtController();
        failure = view.ok() || absl::IsNotFound(view.status()) ? absl::OkStatus() : view.status();
        return !failure.ok() || (view.ok() && view->volume.reach() == sc::v1::REACH_UP);
      },
      patience_, "the SC to reach the volume", kLookEvery);
  if (!known) return absl::DeadlineExceededError(known.message());
  TM_RETURN_IF_ERROR(failure);
  TM_ASSIGN_OR_RETURN(kept_, CreateTopic("kept", 0));
  TM_ASSIGN_OR_RETURN(trimmed_, CreateTopic("trimmed", 0));
  return absl::OkStatus();
}

void ScriptedDay::Disconnect() { producer_.reset(); }

absl::StatusOr<Appended> ScriptedDay::Append(std::uint64_t partition_id, std::int64_t bytes) {
  if (producer_ == nullptr) {
    client::ProducerOptions options;
    options.connect_deadline = patience_;
    TM_ASSIGN_OR_RETURN(
        producer_,
        client::Producer::Connect(
            cluster_.agent_endpoint(), options,
            {[outcomes = outcomes_.get()](const client::Outcome& o) { outcomes->Take(o); },
             nullptr}));
  }
  const DayLedger::Draft draft = ledger_.Write(partition_id, bytes);
  outcomes_->Sending(cluster_.faults().position());
  TM_RETURN_IF_ERROR(producer_->Append(partition_id, {.key = {}, .value = draft.value}, draft.tag));
  TM_RETURN_IF_ERROR(producer_->Flush(patience_));
  const auto outcome = outcomes_->newest();
  if (!outcome.has_value()) return absl::InternalError("an append without an outcome");
  if (outcome->status.ok()) return Appended::kAcknowledged;
  const bool full =
      outcome->refusal && outcome->refusal->reason() == log::v1::REFUSAL_REASON_OUT_OF_SPACE;
  return full ? absl::StatusOr<Appended>(Appended::kFull) : outcome->status;
}

// While the volume reclaims from a partition by itself, a person is asked to try again.
absl::Status ScriptedDay::Trim(std::uint64_t partition_id, std::int64_t before) {
  ledger_.AllowTrim(partition_id, before);
  absl::Status trimmed;
  const auto done = support::WaitFor(
      [&] {
        trimmed = cluster_.agent().Trim(partition_id, before).status();
        return !absl::IsUnavailable(trimmed);
      },
      patience_, "a trim to be taken", kLookEvery);
  return done ? trimmed
              : absl::DeadlineExceededError(
                    absl::StrFormat("%s: %s", done.message(), trimmed.ToString()));
}

absl::Status ScriptedDay::Fill() {
  for (int i = 0; i < kAppendsMax; ++i) {
    TM_ASSIGN_OR_RETURN(const Appended appended,
                        Append(i % 2 == 0 ? kept_ : trimmed_, kRecordBytes));
    if (appended == Appended::kFull) return absl::OkStatus();
  }
  return Expect(false, "the volume never filled");
}

absl::Status ScriptedDay::StayFull() {
  TM_ASSIGN_OR_RETURN(const auto volume, witness_.LookAtAgent());
  TM_RETURN_IF_ERROR(Expect(HoldsSpace(volume), "refused, and not held for space"));
  if (!HoldsSpace(volume)) return AwaitAccepting();  // an injected ENOSPC; proven away meanwhile
  if (undisturbed_) TM_RETURN_IF_ERROR(AwaitStatus(kept_, sc::v1::PARTITION_STATUS_OUT_OF_SPACE));
  return Append(kept_, kRecordBytes).status();
}

// One segment: above full, below resume. A start that only measured would open.
absl::Status ScriptedDay::RestartInTheGap() {
  TM_RETURN_IF_ERROR(Trim(kept_, kSegmentRecords));
  TM_RETURN_IF_ERROR(AwaitAgent(
      [](const space::v1::Volume& volume) {
        return volume.reading().available_bytes() > kFullBytes + kStepBytes;
      },
      "a reading that shows what was trimmed"));
  Disconnect();
  cluster_.KillAgent();
  TM_RETURN_IF_ERROR(cluster_.StartAgent());
  TM_RETURN_IF_ERROR(AwaitVerdict());
  TM_ASSIGN_OR_RETURN(const auto volume, witness_.LookAtAgent());
  return Expect(HoldsSpace(volume) && !volume.accepting(),
                absl::StrFormat("a restart opened the volume: %s", volume.ShortDebugString()));
}

absl::Status ScriptedDay::Reclaim() {
  TM_ASSIGN_OR_RETURN(const auto read, ledger_.Compare(cluster_.agent_endpoint(), trimmed_));
  TM_RETURN_IF_ERROR(Trim(trimmed_, read.log_end));
  TM_RETURN_IF_ERROR(AwaitAccepting());
  TM_RETURN_IF_ERROR(AwaitStatus(kept_, sc::v1::PARTITION_STATUS_ONLINE));
  return Append(kept_, kRecordBytes).status();
}

absl::Status ScriptedDay::Retain() {
  TM_ASSIGN_OR_RETURN(const std::uint64_t short_lived, CreateTopic("short-lived", kRetentionBytes));
  // Retention keeps at least its bytes, whole records of them.
  constexpr std::int64_t kKept = (kRetentionBytes + kRecordBytes - 1) / kRecordBytes;
  for (int i = 0; i < kRetainedAppends; ++i) {
    // Below low the volume reclaims by itself, as soon as this one is written.
    ledger_.AllowTrim(short_lived, i + 1 - kKept);
    TM_RETURN_IF_ERROR(Append(short_lived, kRecordBytes).status());
  }
  return Expire(short_lived);
}

// Below low the volume reclaims by itself, too, and a partition that is busy with that ends a
// person's reclaim early: it is asked for until something went.
absl::Status ScriptedDay::Expire(std::uint64_t partition_id) {
  absl::Status failure;
  const auto expired = support::WaitFor(
      [&] {
        failure = cluster_.agent().Reclaim("").status();
        if (!failure.ok()) return true;
        const auto read = ledger_.Compare(cluster_.agent_endpoint(), partition_id);
        // It went between the reader's start and its first read.
        if (absl::IsOutOfRange(read.status())) return false;
        failure = read.status();
        return !failure.ok() || read->log_start > 0;
      },
      patience_, "something to expire", kLookEvery);
  return expired ? failure : absl::DeadlineExceededError(expired.message());
}

absl::Status ScriptedDay::Delete() {
  ledger_.AllowDelete(trimmed_);
  TM_RETURN_IF_ERROR(cluster_.controller().DeleteTopic("trimmed").status());
  return AwaitAgent([](const space::v1::Volume& volume) { return volume.partitions() == 2; },
                    "the deleted partition to go");
}

absl::Status ScriptedDay::Stop() {
  Disconnect();
  return cluster_.StopAgent();
}

}  // namespace tidemark::faults
