// Who wants to hear of changes: open Watch calls.
//
// Lifetime:  a watcher removes itself before it dies.
// Threading: confined to the loop.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <vector>

#include "base/uuid.h"
#include "sc/core/records.h"

namespace tidemark::sc {

class Watcher {
 public:
  virtual ~Watcher() = default;
  // Verdict, reach or assignments of these volumes may have changed: look again.
  virtual void OnVolumesChanged(const std::vector<base::Uuid>& volumes) = 0;
  virtual void OnPartitionsDeleted(std::span<const Tombstone> tombstones) = 0;
  // Durable now, in the order of their numbers.
  virtual void OnEvents(std::span<const EventRecord> events) = 0;
  // The controller stops.
  virtual void OnStopping() = 0;
};

class Watchers {
 public:
  void Add(Watcher* watcher) { watchers_.insert(watcher); }
  void Remove(Watcher* watcher) { watchers_.erase(watcher); }
  std::size_t size() const { return watchers_.size(); }

  // `call(watcher)` for each; a watcher may remove itself, or another, meanwhile.
  template <typename Call>
  void ForEach(Call call) {
    const std::set<Watcher*> now = watchers_;
    for (Watcher* watcher : now) {
      if (watchers_.contains(watcher)) call(*watcher);
    }
  }

 private:
  std::set<Watcher*> watchers_;
};

}  // namespace tidemark::sc
