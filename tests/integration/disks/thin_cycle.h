// A thin volume whose pool is full: every allocation succeeds, and the sync meets ENOSPC.
//
//   prepare ─► pool full ─► writes fail, unacknowledged ─► Failed ─► reconnects
//      ─► space is given to the pool (a competitor may take it) ─► Failed still
//      ─► the SPU starts again ─► recovered, Online ─► every acknowledged record is there
//
// Lifetime:  disk and cluster outlive it.
// Threading: confined.
// Errors:    a promise was broken, and how.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "tests/integration/disks/cluster.h"
#include "tests/integration/disks/disk.h"
#include "tests/integration/disks/tally.h"

namespace tidemark::disks {

class ThinCycle {
 public:
  ThinCycle(Disk& disk, Cluster& cluster, const CyclePlan& plan, int reconnects, Tally& tally)
      : disk_(disk), cluster_(cluster), plan_(plan), reconnects_(reconnects), tally_(tally) {}

  absl::Status Run();

 private:
  absl::Status MakeHeadroom();
  absl::Status WriteUntilTheSyncFails();
  absl::Status ReadWhileFailed();
  absl::Status ReconnectWhileFailed();
  absl::Status GiveThePoolSpace();
  // Space given later tells nothing of what was not synced: only a start that has recovered does.
  absl::Status ExpectStillFailed();
  absl::Status StartAgain();
  // What was acknowledged since is on the disk, and not only in the page cache.
  absl::Status ForgetTheCache();
  absl::Status TidyUp();

  Disk& disk_;
  Cluster& cluster_;
  const CyclePlan plan_;
  const int reconnects_;
  Tally& tally_;
  bool grow_unmounted_ = false;
};

}  // namespace tidemark::disks
