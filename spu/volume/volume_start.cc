// How a volume comes up: look at the disk, open every partition, then begin the verdict.
#include <utility>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/check.h"
#include "base/clock.h"
#include "daemon/log.h"
#include "spu/volume/volume.h"

namespace tidemark::spu {
namespace {

namespace event = monitor::event;
using daemon::LogLevel;

constexpr base::Duration kHousekeepingInterval = std::chrono::seconds(1);

}  // namespace

absl::Status Volume::CheckMarks(VolumeDisk& disk, const monitor::MarksOverrides& overrides) {
  const monitor::ProbeOutcome probe = disk.probe().Glance();
  const auto* reading = std::get_if<monitor::SpaceReading>(&probe);
  if (reading == nullptr) return absl::OkStatus();
  return monitor::ValidateMarks(
      monitor::DeriveMarks(disk.capacity_bytes(), reading->inodes_total, overrides),
      monitor::FitOf(*reading, /*partitions=*/0));
}

void Volume::Start(absl::AnyInvocable<void(absl::Status)> done) {
  on_started_ = std::move(done);
  // From the record alone, before the first look at the disk: what a kill must not have changed.
  const monitor::LoadedVerdict& loaded = disk_->slots().loaded();
  daemon::Log(loaded.unreadable_slots > 0 ? LogLevel::kError : LogLevel::kInfo,
              "volume.verdict_loaded",
              {{"volume", disk_->path()},
               {"generation", loaded.record ? loaded.record->generation.value() : 0},
               {"holds", loaded.record ? monitor::DescribeHolds(loaded.record->holds) : "unknown"},
               {"unreadable_slots", loaded.unreadable_slots}});
  start_deadline_.StartOnce(options_.start_deadline);
  first_look_ = std::make_unique<daemon::WorkerThread>(loop_, "first look", 1);
  first_look_->TryRun(
      [disk = disk_] {
        return FirstLook{storage::ListPartitions(disk->file_system(), disk->layout().partitions()),
                         disk->probe().Glance()};
      },
      [this](const FirstLook& look) { OnFirstLook(look); });
}

// It may hang for ever; the thread is then left to the kernel.
void Volume::OnNoFirstLook() {
  first_look_->Abandon();
  FinishStart(absl::UnavailableError(absl::StrFormat(
      "no answer from the disk for %s", base::FormatDuration(options_.start_deadline))));
}

void Volume::OnFirstLook(const FirstLook& look) {
  start_deadline_.Stop();
  first_look_.reset();
  if (!look.listing.ok()) return FinishStart(look.listing.status());
  if (absl::Status marks = SetMarks(std::get_if<monitor::SpaceReading>(&look.probe),
                                    look.listing->partitions.size());
      !marks.ok()) {
    return FinishStart(marks);
  }
  OpenPartitions(look.listing->partitions);
}

void Volume::FinishStart(const absl::Status& status) {
  if (!status.ok()) {
    start_fault_ = std::string(status.message());
    device_fault_ =
        monitor::DeviceHold{monitor::DeviceCause::kIoError, start_fault_, clock_.WallNow()};
  }
  auto done = std::exchange(on_started_, nullptr);
  if (done) done(status);
}

// Without a reading the marks cannot be held against the real volume; the policy is blind then. Of
// the inodes only a reading knows how many there are: the marks that were in force stay so.
absl::Status Volume::SetMarks(const monitor::SpaceReading* reading, std::size_t partitions) {
  const std::int64_t inodes_total = reading != nullptr ? reading->inodes_total : 0;
  marks_ = monitor::DeriveMarks(disk_->capacity_bytes(), inodes_total, options_.marks);
  if (reading == nullptr) {
    const auto& record = disk_->slots().loaded().record;
    if (!record.has_value()) {
      return absl::UnavailableError(
          "neither a reading nor a record says how many inodes the volume must keep");
    }
    marks_.full_inodes = record->marks.full_inodes;
    marks_.resume_inodes = record->marks.resume_inodes;
    marks_.low_inodes = record->marks.low_inodes;
    return absl::OkStatus();
  }
  return monitor::ValidateMarks(marks_, monitor::FitOf(*reading, partitions));
}

void Volume::OpenPartitions(const std::vector<base::PartitionId>& ids) {
  opening_ = ids.size();
  if (ids.empty()) return BeginVerdict();
  daemon::Log(LogLevel::kInfo, "volume.opening",
              {{"volume", disk_->path()}, {"partitions", ids.size()}});
  for (const base::PartitionId id : ids) {
    OpenPartition(id, [this](base::PartitionId opened_id, const absl::Status& status) {
      if (!status.ok()) NoteUnopened(opened_id, status);
      if (--opening_ == 0) BeginVerdict();
    });
  }
}

void Volume::OpenPartition(
    base::PartitionId id, absl::AnyInvocable<void(base::PartitionId, const absl::Status&)> opened) {
  const storage::LogOptions options = LogOptionsFor({});
  work_.QueueWork([disk = disk_, path = storage::PartitionPath(disk_->layout().partitions(), id),
                   options] { return storage::OpenPartition(disk->file_system(), path, options); },
                  [this, guard = std::weak_ptr(alive_), id, options, opened = std::move(opened)](
                      absl::StatusOr<storage::RecoveredPartition> recovered) mutable {
                    if (guard.expired()) return;
                    if (!recovered.ok()) return opened(id, recovered.status());
                    for (const std::string& note : recovered->notes) {
                      daemon::Log(LogLevel::kInfo, "partition.recovered",
                                  {{"topic", recovered->state.topic},
                                   {"partition", recovered->state.index},
                                   {"note", note}});
                    }
                    auto partition =
                        std::make_unique<Partition>(*this, *std::move(recovered), options);
                    // During an episode whoever has data had a step: it may just have been full.
                    const bool had_step = partition->log().held_step_bytes() > 0 ||
                                          (InEpisode() && partition->log().segment_count() > 0);
                    if (had_step) step_users_.insert(id);
                    // A second one would write over what the first has acknowledged.
                    TM_CHECK(partitions_.emplace(id, std::move(partition)).second);
                    opened(id, absl::OkStatus());
                  });
}

bool Volume::MayOpenLater(const absl::Status& why) {
  return monitor::JudgeStatus(monitor::DiskOperation::kRead, why).meaning ==
         monitor::ErrnoMeaning::kUnavailable;
}

// A partition that cannot be opened is not gone: what is known of it is kept and told.
void Volume::NoteUnopened(base::PartitionId id, const absl::Status& status) {
  daemon::Log(
      LogLevel::kError, "partition.not_opened",
      {{"volume", disk_->path()}, {"partition_id", id.value()}, {"error", status.message()}});
  unopened_[id] = status;
  if (absl::IsDataLoss(status)) return;  // a matter of this partition alone
  recovery_verified_ = false;
  if (MayOpenLater(status)) return;
  recovery_fault_ = absl::StrFormat("open partition %016x: %s", id.value(), status.message());
}

void Volume::BeginVerdict() {
  monitor::BootState boot;
  boot.volume = uuid();
  boot.record = disk_->slots().loaded().record;
  boot.slot_unreadable = disk_->slots().loaded().unreadable_slots > 0;
  boot.recovery_verified = recovery_verified_;
  boot.identity = disk_->identity();
  boot.marks = marks_;
  boot.marks_set_by = options_.marks == monitor::MarksOverrides{} ? "defaults" : "configuration";
  monitor::PolicyOptions policy_options;
  policy_options.reading_deadline = options_.reading_deadline;
  policy_options.settle = options_.settle;
  policy_options.reclaim_pause = options_.reclaim_pause;
  const monitor::Instant now{clock_.Now(), clock_.WallNow()};
  driver_ = std::make_unique<SpaceDriver>(loop_, work_, clock_, disk_,
                                          monitor::SpacePolicy(policy_options, boot, now), *this);
  driver_->Start();
  if (!recovery_fault_.empty()) {
    driver_->Apply(event::DeviceFailed{monitor::DeviceCause::kIoError, recovery_fault_});
  }
  for (const monitor::SpaceEvent& early : std::exchange(early_events_, {})) driver_->Apply(early);
  CountMissingSteps();
  // Nobody knows any more whose growth it was that came before. It may end an episode that is under
  // way, and no more: a topic that may lose its oldest must not wait for a person after a restart.
  reclaim_floor_bytes_ = OurBytes() - (InEpisode() ? marks_.resume_bytes + marks_.step_bytes : 0);
  last_expiry_ = now.now;
  housekeeping_.StartPeriodic(kHousekeepingInterval);
  FinishStart(absl::OkStatus());
}

storage::LogOptions Volume::LogOptionsFor(const tidemark::sc::v1::TopicPolicy& policy) const {
  storage::LogOptions options;
  options.step_bytes = marks_.step_bytes;
  options.segment_bytes = policy.segment_bytes() > 0
                              ? std::max(policy.segment_bytes(), marks_.step_bytes)
                              : marks_.segment_bytes;
  if (policy.segment_ms() > 0) options.roll_after = base::MillisUpToACentury(policy.segment_ms());
  options.limits.batch_bytes_max =
      std::min(policy.batch_bytes_max() > 0 ? policy.batch_bytes_max() : options_.batch_bytes_max,
               options.segment_bytes / 2);
  return options;
}

}  // namespace tidemark::spu
