#include "tests/integration/story/status_watcher.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_format.h"
#include "cli/client/controller_client.h"
#include "cli/words.h"
#include "tests/support/await.h"

namespace tidemark::story {

StatusWatcher::StatusWatcher(const std::string& controller, base::Duration pause)
    : controller_(controller),
      pause_(pause),
      poller_([this](std::stop_token stop) { Poll(std::move(stop)); }),
      follower_([this](std::stop_token stop) { Follow(std::move(stop)); }) {}

StatusWatcher::~StatusWatcher() {
  poller_.request_stop();
  follower_.request_stop();
  stopping_.NotifyAll();
}

bool StatusWatcher::Pause(const std::stop_token& stop) {
  base::MutexLock lock(mutex_);
  if (!stop.stop_requested()) stopping_.WaitFor(mutex_, pause_);
  return !stop.stop_requested();
}

void StatusWatcher::Poll(std::stop_token stop) {
  while (Pause(stop)) {
    // A new client each time: a killed SC must not leave a channel in its back-off.
    const client::ControllerClient controller(controller_, std::chrono::seconds(2));
    while (Pause(stop)) {
      const auto listed = controller.ListPartitions("");
      if (!listed.ok()) break;
      for (const auto& partition : listed->partitions()) Note(partition, true);
    }
  }
}

void StatusWatcher::Follow(std::stop_token stop) {
  while (Pause(stop)) {
    const client::ControllerClient controller(controller_, std::chrono::seconds(2));
    const absl::Status ended = controller.WatchPartitions(
        "", stop, [this](const sc::v1::WatchPartitionsResponse& changes) {
          for (const auto& partition : changes.partitions()) Note(partition, false);
          return true;
        });
    ended.IgnoreError();  // the SC was killed: look again
  }
}

void StatusWatcher::Note(const sc::v1::Partition& partition, bool polled) {
  base::MutexLock lock(mutex_);
  ++looks_;
  (polled ? last_[partition.id()].polled : last_[partition.id()].followed) = partition.status();
  std::vector<Sight>& sights = sights_[partition.id()];
  const auto last = std::find_if(sights.rbegin(), sights.rend(),
                                 [&](const Sight& sight) { return sight.polled == polled; });
  if (last != sights.rend() && last->status == partition.status() &&
      last->reachable == partition.reachable()) {
    return;
  }
  sights.push_back({base::SystemClock().WallNow(), partition.status(), partition.reachable(),
                    polled, partition.reason()});
}

void StatusWatcher::BeginChapter() {
  base::MutexLock lock(mutex_);
  looks_ = 0;
  sights_.clear();
}

std::int64_t StatusWatcher::looks() const {
  base::MutexLock lock(mutex_);
  return looks_;
}

std::set<std::string> StatusWatcher::StatusesSeen(std::uint64_t partition_id) const {
  base::MutexLock lock(mutex_);
  std::set<std::string> seen;
  const auto found = sights_.find(partition_id);
  if (found == sights_.end()) return seen;
  for (const Sight& sight : found->second) seen.insert(cli::StatusWord(sight.status));
  return seen;
}

bool StatusWatcher::LastSeenReachable(std::uint64_t partition_id) const {
  base::MutexLock lock(mutex_);
  const auto found = sights_.find(partition_id);
  if (found == sights_.end()) return false;
  const auto last = std::find_if(found->second.rbegin(), found->second.rend(),
                                 [](const Sight& sight) { return sight.polled; });
  return last != found->second.rend() && last->reachable;
}

int StatusWatcher::TimesLost(std::uint64_t partition_id) const {
  base::MutexLock lock(mutex_);
  const auto found = sights_.find(partition_id);
  if (found == sights_.end()) return 0;
  return static_cast<int>(std::ranges::count_if(
      found->second, [](const Sight& sight) { return sight.polled && !sight.reachable; }));
}

bool StatusWatcher::CaughtUp(const std::set<std::uint64_t>& partitions,
                             sc::v1::PartitionStatus status) const {
  base::MutexLock lock(mutex_);
  for (const std::uint64_t id : partitions) {
    const auto last = last_.find(id);
    if (last == last_.end()) return false;
    if (last->second.polled != status || last->second.followed != status) return false;
  }
  return true;
}

absl::Status StatusWatcher::AwaitCaughtUp(const std::set<std::uint64_t>& partitions,
                                          sc::v1::PartitionStatus status) const {
  const auto seen = support::WaitFor([&] { return CaughtUp(partitions, status); },
                                     support::kLongWait, "the watcher to see it, too");
  return seen ? absl::OkStatus() : absl::DeadlineExceededError(seen.message());
}

bool StatusWatcher::Saw(const std::set<std::uint64_t>& partitions,
                        sc::v1::PartitionStatus status) const {
  base::MutexLock lock(mutex_);
  for (const std::uint64_t id : partitions) {
    const auto found = sights_.find(id);
    if (found == sights_.end()) continue;
    if (std::ranges::find(found->second, status, &Sight::status) != found->second.end()) {
      return true;
    }
  }
  return false;
}

absl::Status StatusWatcher::OnlyEver(const std::set<std::uint64_t>& partitions,
                                     sc::v1::PartitionStatus only,
                                     bool only_while_reachable) const {
  base::MutexLock lock(mutex_);
  for (const std::uint64_t id : partitions) {
    const auto found = sights_.find(id);
    if (found == sights_.end()) {
      return absl::FailedPreconditionError(
          absl::StrFormat("the watcher never saw partition id %d", id));
    }
    for (const Sight& sight : found->second) {
      if (sight.status == only || (only_while_reachable && !sight.reachable)) continue;
      return absl::FailedPreconditionError(absl::StrFormat(
          "the watcher saw partition id %d as %s (reachable: %s, %s) at %s, never allowed but %s",
          id, cli::StatusWord(sight.status), sight.reachable ? "yes" : "no", sight.reason,
          base::FormatWallTime(sight.at_unix_ms), cli::StatusWord(only)));
    }
  }
  return absl::OkStatus();
}

}  // namespace tidemark::story
