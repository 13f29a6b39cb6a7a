// Somebody who looks at the SC all the time and writes down every status it shows.
//
// Independent of the story's steps: one thread polls, one follows the watch stream; both go on
// through the SC's death and return.
//
// Threading: any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::story {

class StatusWatcher {
 public:
  // Between two looks of the poll.
  static constexpr base::Duration kUsualPause = std::chrono::milliseconds(10);

  explicit StatusWatcher(const std::string& controller, base::Duration pause = kUsualPause);
  ~StatusWatcher();

  // Everything seen from now on counts for a new chapter; also an older answer that is still on its
  // way, unless AwaitCaughtUp() came before.
  void BeginChapter();

  // Of the chapter: how often anything was looked at, and what was seen of a partition.
  std::int64_t looks() const;
  std::set<std::string> StatusesSeen(std::uint64_t partition_id) const;
  // What the poll saw last.
  bool LastSeenReachable(std::uint64_t partition_id) const;
  // How often it saw REACHABLE turn to no.
  int TimesLost(std::uint64_t partition_id) const;
  // Both threads saw all of them so last, in this chapter or before: what they see from now on is
  // not older than that.
  bool CaughtUp(const std::set<std::uint64_t>& partitions, sc::v1::PartitionStatus status) const;
  absl::Status AwaitCaughtUp(const std::set<std::uint64_t>& partitions,
                             sc::v1::PartitionStatus status) const;
  // Whether either thread saw one of them so.
  bool Saw(const std::set<std::uint64_t>& partitions, sc::v1::PartitionStatus status) const;
  // kFailedPrecondition, with when, if one of them was shown with another status than `only` while
  // it was reachable or, unless `only_while_reachable`, at all.
  absl::Status OnlyEver(const std::set<std::uint64_t>& partitions, sc::v1::PartitionStatus only,
                        bool only_while_reachable) const;

 private:
  struct Sight {
    std::int64_t at_unix_ms = 0;
    sc::v1::PartitionStatus status = sc::v1::PARTITION_STATUS_UNSPECIFIED;
    bool reachable = false;
    bool polled = false;  // or from the watch stream
    std::string reason;
  };

  void Poll(std::stop_token stop);
  void Follow(std::stop_token stop);
  void Note(const sc::v1::Partition& partition, bool polled);
  // False if told to stop.
  bool Pause(const std::stop_token& stop);

  const std::string controller_;
  const base::Duration pause_;
  mutable base::Mutex mutex_;
  base::CondVar stopping_;
  std::int64_t looks_ TM_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, std::vector<Sight>> sights_ TM_GUARDED_BY(mutex_);  // changes only
  struct Last {
    std::optional<sc::v1::PartitionStatus> polled;
    std::optional<sc::v1::PartitionStatus> followed;
  };
  std::map<std::uint64_t, Last> last_ TM_GUARDED_BY(mutex_);  // whatever the chapter
  std::jthread poller_;
  std::jthread follower_;
};

}  // namespace tidemark::story
