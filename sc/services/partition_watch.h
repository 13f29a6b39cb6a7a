// One WatchPartitions call: all partitions once, then each whose picture changed.
//
// What a watcher has not been sent yet is a set of ids, looked at when the stream can take more: a
// slow watcher sees the newest state, skips what lay between, and costs no more than the table.
//
// Lifetime:  deletes itself (WatchStream).
// Threading: as WatchStream.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "sc/controller.h"
#include "sc/services/watch_stream.h"
#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::sc {

class PartitionWatch final : public WatchStream<v1::WatchPartitionsResponse>, private Watcher {
 public:
  PartitionWatch(daemon::EventLoop& loop, Controller& controller, std::string topic)
      : WatchStream(loop), controller_(controller), topic_(std::move(topic)) {}

 private:
  void OnOpened() override;
  void OnWritable() override { Flush(); }
  void OnClosed() override { controller_.watchers().Remove(this); }

  void OnVolumesChanged(const std::vector<base::Uuid>& volumes) override;
  void OnPartitionsDeleted(std::span<const Tombstone> tombstones) override;
  void OnEvents(std::span<const EventRecord>) override {}
  void OnStopping() override;

  void Flush();
  void AddNow(base::PartitionId id, v1::WatchPartitionsResponse& response);

  Controller& controller_;
  const std::string topic_;  // empty: all
  bool first_ = true;
  std::set<base::Uuid> dirty_;
  std::vector<base::PartitionId> pending_;         // of the last look, not sent yet
  std::vector<v1::Partition> gone_;                // deleted, not told yet
  std::map<base::PartitionId, std::size_t> sent_;  // fingerprint of what the watcher has
};

}  // namespace tidemark::sc
