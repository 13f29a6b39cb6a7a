// What a SimVolume's producers need: the steps they fill, and how one is had, found and given up.
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "tests/simulation/sim_volume.h"

namespace tidemark::simulation {
namespace {

namespace event = monitor::event;
using monitor::DiskOperation;
using std::chrono::milliseconds;

}  // namespace

absl::Status SimVolume::FindSteps() {
  steps_.clear();
  TM_ASSIGN_OR_RETURN(const auto names, disk_.List(layout_.partitions()));
  for (const std::string& name : names) {
    const std::string path = storage::JoinPath(layout_.partitions(), name);
    TM_ASSIGN_OR_RETURN(const storage::FileStat stat, disk_.Stat(path));
    // One that was being allocated when the process died; nothing was ever admitted into it.
    if (stat.size == 0 || stat.allocated_bytes < stat.size) {
      TM_RETURN_IF_ERROR(disk_.RemoveFile(path));
      continue;
    }
    steps_.push_back({path, stat.size});
  }
  // The newest step: what is left of it serves on.
  if (!steps_.empty()) steps_.back().filled /= 2;
  had_step_ = had_step_ || !steps_.empty();
  return absl::OkStatus();
}

std::string SimVolume::StepDefect() const {
  for (const Step& step : steps_) {
    const auto stat = disk_.AllocatedBytes(step.path);
    if (stat == 0) return absl::StrFormat("'%s' has lost its blocks", step.path);
  }
  return "";
}

SimVolume::NewStep SimVolume::AllocateStep() {
  const std::int64_t bytes = policy_->marks().step_bytes;
  NewStep made;
  do {
    made.step.path =
        storage::JoinPath(layout_.partitions(), absl::StrFormat("%010d.step", ++newest_step_));
  } while (disk_.Exists(made.step.path));
  const auto make = [&]() -> absl::Status {
    TM_ASSIGN_OR_RETURN(auto file, disk_.Open(made.step.path, storage::OpenMode::kCreate));
    TM_RETURN_IF_ERROR(file->Allocate(base::FilePosition(0), bytes));
    made.outcome.operation = DiskOperation::kSync;
    TM_RETURN_IF_ERROR(file->SyncAll());
    return disk_.SyncDirectory(layout_.partitions());
  };
  made.outcome.status = make();
  if (made.outcome.status.ok()) {
    made.outcome.steps = 1;
    made.outcome.bytes = bytes;
    had_step_ = true;
  } else {
    disk_.RemoveFile(made.step.path).IgnoreError();
  }
  return made;
}

void SimVolume::NoteMissingSteps() {
  if (!running()) return;
  const bool holds_one = !steps_.empty() && steps_.back().filled < policy_->marks().step_bytes / 2;
  const std::int64_t missing = had_step_ && !holds_one ? 1 : 0;
  if (missing == steps_missing_) return;
  steps_missing_ = missing;
  Apply(event::StepsMissing{missing});
}

void SimVolume::Judge(DiskOperation operation, const absl::Status& status) {
  const monitor::ErrnoVerdict verdict = monitor::JudgeStatus(operation, status);
  if (verdict.meaning == monitor::ErrnoMeaning::kSpace) {
    checker_.HasReasonToHold(index_);
    Apply(event::AllocationFailed{verdict.space_cause, std::string(status.message())});
  } else if (verdict.meaning == monitor::ErrnoMeaning::kDevice) {
    Apply(event::DeviceFailed{verdict.device_cause, std::string(status.message())});
  }
}

void SimVolume::Produce(std::int64_t bytes) {
  if (!running() || !gate_) return;
  const std::int64_t step_bytes = policy_->marks().step_bytes;
  if (steps_.empty() || steps_.back().filled + bytes > step_bytes) return SeekStep();
  Step& step = steps_.back();
  step.filled += bytes;
  checker_.Admitted(index_, disk_.AllocatedBytes(step.path) >= step.filled);
  NoteMissingSteps();
}

void SimVolume::SeekStep() {
  if (seeking_step_) return;
  const auto answer =
      policy_->Request(policy_->marks().step_bytes + 2 * base::kBlockBytes, 1, scheduler_.now());
  if (const auto* refusal = std::get_if<monitor::BudgetRefusal>(&answer)) {
    if (refusal->reason == monitor::BudgetRefusal::Reason::kBytes ||
        refusal->reason == monitor::BudgetRefusal::Reason::kInodes) {
      checker_.HasReasonToHold(index_);
      Apply(event::NoStepFits{refusal->wanted_bytes, refusal->wanted_inodes});
    } else {
      Apply(event::PollNow{});
    }
    return;
  }
  seeking_step_ = true;
  OnPool(milliseconds(5), [this, grant = std::get<monitor::GrantId>(answer)] {
    seeking_step_ = false;
    NewStep made = AllocateStep();
    if (Died()) return;
    if (made.outcome.status.ok()) {
      policy_->Complete(grant, scheduler_.now());
      steps_.push_back(std::move(made.step));
    } else {
      policy_->Abandon(grant);
      Judge(made.outcome.operation, made.outcome.status);
    }
    NoteMissingSteps();
  });
}

void SimVolume::Trim(std::size_t keep) {
  while (running() && steps_.size() > keep) {
    const std::int64_t bytes = disk_.AllocatedBytes(steps_.front().path);
    const absl::Status removed = disk_.RemoveFile(steps_.front().path);
    if (Died()) return;
    steps_.pop_front();
    if (removed.ok()) {
      Apply(event::SpaceFreed{bytes});
    } else {
      Judge(DiskOperation::kRemove, removed);
    }
  }
  NoteMissingSteps();
}

}  // namespace tidemark::simulation
