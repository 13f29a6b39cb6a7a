#include "spu/local_volumes.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "monitor/pinned_space.h"
#include "spu/volume/volume_view.h"

namespace tidemark::spu {
namespace {

namespace space = tidemark::space::v1;
namespace event = monitor::event;

constexpr std::size_t kSuspectsShown = 5;

void AddSuspects(const monitor::PinnedSpace& pinned, space::Explanation& explanation) {
  for (const monitor::PinnedFile& file : pinned.files) {
    explanation.add_pinned_suspects(absl::StrFormat("%s (pid %d) keeps %s open, deleted: %s",
                                                    file.command, file.pid, file.path,
                                                    base::FormatByteSize(file.allocated_bytes)));
  }
}

absl::Status NotStarted(const Volume& volume) {
  if (volume.start_fault().empty()) return absl::UnavailableError("the volume is still opening");
  return absl::UnavailableError(
      absl::StrFormat("the volume could not start: %s", volume.start_fault()));
}

}  // namespace

std::vector<space::Volume> LocalVolumes::ListVolumes() const {
  std::vector<space::Volume> list;
  for (const auto& volume : volumes_.all()) list.push_back(VolumeMessage(*volume));
  for (const UnopenedVolume& volume : volumes_.unopened()) {
    list.push_back(UnopenedMessage(volume));
  }
  return list;
}

void LocalVolumes::Explain(const std::string& selector, Explained done) {
  if (const UnopenedVolume* unopened = volumes_.FindUnopened(selector); unopened != nullptr) {
    return done(UnopenedExplanation(*unopened));
  }
  auto volume = volumes_.Select(selector);
  if (!volume.ok()) return done(volume.status());
  space::Explanation explanation = ExplanationMessage(**volume);
  // Only when freed space did not come back: it walks /proc.
  const bool pinned = (*volume)->started() &&
                      (*volume)->driver()->policy().Explain((*volume)->Now().monotonic).pinned;
  if (!pinned) return done(std::move(explanation));
  loop_.QueueWork(
      [device = (*volume)->disk().device_id()] {
        return monitor::FindPinnedSpace(device, kSuspectsShown);
      },
      [explanation = std::move(explanation),
       done = std::move(done)](const monitor::PinnedSpace& found) mutable {
        AddSuspects(found, explanation);
        done(std::move(explanation));
      });
}

absl::StatusOr<space::PlanReclaimResponse> LocalVolumes::PlanReclaim(
    const std::string& selector) const {
  auto volume = volumes_.Select(selector);
  if (!volume.ok()) return volume.status();
  const std::int64_t wanted_bytes = (*volume)->BytesTo((*volume)->marks().low_bytes);
  const monitor::ReclaimPlan plan = (*volume)->PlanReclaim(wanted_bytes);
  space::PlanReclaimResponse response;
  for (const monitor::ReclaimCandidate& step : plan.steps) {
    *response.add_steps() = ReclaimStepMessage(**volume, step);
  }
  response.set_expected_bytes(plan.expected_bytes);
  response.set_wanted_bytes(wanted_bytes);
  return response;
}

void LocalVolumes::Reclaim(const std::string& selector, Reclaimed done) {
  auto volume = volumes_.Select(selector);
  if (!volume.ok()) return done(volume.status());
  if (!(*volume)->started()) return done(NotStarted(**volume));
  (*volume)->Reclaim(
      [done = std::move(done)](const space::ReclaimResponse& response) mutable { done(response); });
}

void LocalVolumes::Hold(const std::string& selector, const std::string& who, const std::string& why,
                        Changed done) {
  if (who.empty() || why.empty()) {
    return done(absl::InvalidArgumentError("hold refused: say who and why"));
  }
  Change(selector, event::OperatorHolds{who, why}, true, std::move(done));
}

void LocalVolumes::Release(const std::string& selector, const std::string& who, Changed done) {
  Change(selector, event::OperatorReleases{who}, false, std::move(done));
}

void LocalVolumes::Change(const std::string& selector, const monitor::SpaceEvent& event, bool held,
                          Changed done) {
  auto volume = volumes_.Select(selector);
  if (!volume.ok()) return done(volume.status());
  if (!(*volume)->started()) return done(NotStarted(**volume));
  (*volume)->Apply(event);
  waiting_.push_back({(*volume)->uuid(), held, std::move(done)});
  OnVolumeChanged((*volume)->uuid());  // it may have been so already
}

void LocalVolumes::OnVolumeChanged(const base::Uuid& uuid) {
  const Volume* volume = volumes_.Find(uuid);
  if (volume == nullptr || !volume->durable().has_value()) return;
  const bool held = volume->durable()->holds.operator_hold.has_value();
  std::vector<WaitingChange> still_waiting;
  for (WaitingChange& change : std::exchange(waiting_, {})) {
    if (change.volume == uuid && change.held == held) {
      change.done(volume->durable()->generation);
    } else {
      still_waiting.push_back(std::move(change));
    }
  }
  for (WaitingChange& change : still_waiting) waiting_.push_back(std::move(change));
}

}  // namespace tidemark::spu
