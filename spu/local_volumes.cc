#include "spu/local_volumes.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "daemon/log.h"
#include "monitor/pinned_space.h"
#include "spu/volume/volume_view.h"

namespace tidemark::spu {
namespace {

namespace space_pb = tidemark::space::v1;
namespace event = monitor::event;

constexpr std::size_t kSuspectsShown = 5;
constexpr base::Duration kLookAgain = std::chrono::milliseconds(100);

void AddSuspects(const monitor::PinnedSpace& pinned, space_pb::Explanation& explanation) {
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

std::vector<space_pb::Volume> LocalVolumes::ListVolumes() const {
  std::vector<space_pb::Volume> list;
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
  space_pb::Explanation explanation = ExplanationMessage(**volume);
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

absl::StatusOr<space_pb::PlanReclaimResponse> LocalVolumes::PlanReclaim(
    const std::string& selector) const {
  auto volume = volumes_.Select(selector);
  if (!volume.ok()) return volume.status();
  const std::int64_t wanted_bytes = (*volume)->BytesTo((*volume)->marks().low_bytes);
  const monitor::ReclaimPlan plan = (*volume)->PlanReclaim(wanted_bytes);
  space_pb::PlanReclaimResponse response;
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
  (*volume)->Reclaim([done = std::move(done)](const space_pb::ReclaimResponse& response) mutable {
    done(response);
  });
}

std::string LocalVolumes::Wish::ToString() const {
  return held ? absl::StrFormat("hold of %s (%s)", who, why) : "release by " + who;
}

void LocalVolumes::Hold(const std::string& selector, const std::string& who, const std::string& why,
                        Changed done) {
  if (who.empty() || why.empty()) {
    return done(absl::InvalidArgumentError("hold refused: say who and why"));
  }
  Change(selector, {.held = true, .who = who, .why = why}, std::move(done));
}

void LocalVolumes::Release(const std::string& selector, const std::string& who, Changed done) {
  Change(selector, {.held = false, .who = who, .why = ""}, std::move(done));
}

void LocalVolumes::Change(const std::string& selector, Wish wish, Changed done) {
  auto volume = volumes_.Select(selector);
  if (!volume.ok()) return done(volume.status());
  if (!(*volume)->started()) return done(NotStarted(**volume));
  daemon::Log(daemon::LogLevel::kInfo, wish.held ? "volume.hold_asked" : "volume.release_asked",
              {{"volume", (*volume)->disk().path()}, {"who", wish.who}, {"why", wish.why}});
  const monitor::SpacePolicy& policy = (*volume)->driver()->policy();
  if (!wish.held && !policy.durable().holds.operator_hold && !policy.wanted_holds().operator_hold) {
    return done(absl::FailedPreconditionError(absl::StrFormat(
        "nobody holds volume '%s': there is nothing to release", (*volume)->disk().path())));
  }
  const bool release = !wish.held;
  const std::uint64_t number = ++changes_;
  auto deadline = std::make_unique<daemon::Timer>(loop_, [this, number] { GiveUp(number); });
  deadline->StartOnce(deadline_);
  waiting_.push_back({number, (*volume)->uuid(), std::move(wish), (*volume)->Now().monotonic,
                      std::nullopt, std::move(deadline), std::move(done)});
  if (release) {
    (*volume)->Apply(event::PollNow{});
    if (!look_again_.active()) look_again_.StartPeriodic(kLookAgain);
  } else {
    TellWaiting(**volume, true);  // in the order of their calls
  }
  OnVolumeChanged((*volume)->uuid());  // it may have been so already
}

void LocalVolumes::TellWaiting(Volume& volume, bool all) {
  const auto untold = [&volume](const WaitingChange& change) {
    return change.volume == volume.uuid() && !change.newest_before.has_value();
  };
  // What it is told may be answered at once, which changes the list.
  for (auto next = std::ranges::find_if(waiting_, untold); next != waiting_.end();
       next = std::ranges::find_if(waiting_, untold)) {
    const auto reading = volume.State().reading;
    const bool seen = reading.has_value() && reading->started >= next->asked_at;
    if (!all && !seen) return;
    next->newest_before = volume.driver()->policy().newest_generation();
    const Wish wish = next->wish;
    volume.Apply(wish.held ? monitor::SpaceEvent(event::OperatorHolds{wish.who, wish.why})
                           : monitor::SpaceEvent(event::OperatorReleases{wish.who}));
  }
}

void LocalVolumes::LookAgain() {
  std::set<base::Uuid> volumes;
  for (const WaitingChange& change : waiting_) {
    if (!change.newest_before.has_value()) volumes.insert(change.volume);
  }
  if (volumes.empty()) return look_again_.Stop();
  for (const base::Uuid& uuid : volumes) {
    if (Volume* volume = volumes_.Find(uuid)) volume->Apply(event::PollNow{});
  }
}

void LocalVolumes::OnVolumeChanged(const base::Uuid& uuid) {
  Volume* volume = volumes_.Find(uuid);
  if (volume == nullptr || !volume->started()) return;
  const monitor::SpacePolicy& policy = volume->driver()->policy();
  const base::Generation durable = policy.durable().generation;
  std::vector<WaitingChange> decided;
  std::vector<WaitingChange> still_waiting;
  // Another's release has done what a second one waits for.
  const bool nobody_holds =
      !policy.durable().holds.operator_hold && !policy.wanted_holds().operator_hold;
  for (WaitingChange& change : waiting_) {
    const bool is_decided =
        change.volume == uuid &&
        (change.newest_before.has_value() ? policy.settled() || durable > *change.newest_before
                                          : !change.wish.held && nobody_holds);
    (is_decided ? decided : still_waiting).push_back(std::move(change));
  }
  waiting_ = std::move(still_waiting);
  for (WaitingChange& change : decided) {
    const Wish& last = decided.back().wish;
    if (change.wish == last || (!change.wish.held && !last.held)) {
      change.done(durable);
    } else {
      change.done(absl::AbortedError(absl::StrFormat("the %s was overtaken by a %s",
                                                     change.wish.ToString(), last.ToString())));
    }
  }
  // Last: the policy may be amid an event, and hears of it after that.
  TellWaiting(*volume, false);
}

void LocalVolumes::GiveUp(std::uint64_t number) {
  const auto found = std::ranges::find(waiting_, number, &WaitingChange::number);
  if (found == waiting_.end()) return;
  WaitingChange change = std::move(*found);
  waiting_.erase(found);
  const Volume* volume = volumes_.Find(change.volume);
  const std::string fault = volume != nullptr && volume->device_fault().has_value()
                                ? "; device fault: " + volume->device_fault()->detail
                                : "";
  change.done(absl::UnavailableError(absl::StrFormat(
      "the %s is not durable after %s%s; %s", change.wish.ToString(),
      base::FormatDuration(deadline_), fault,
      change.wish.held ? "writes are stopped, but a restart may not know of the hold"
                       : "the volume stays held")));
}

}  // namespace tidemark::spu
