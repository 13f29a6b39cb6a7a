// A thin volume whose pool is full: every allocation succeeds, and the sync meets ENOSPC.
//
//   prepare ─► pool full ─► writes fail, unacknowledged ─► Failed ─► reconnects
//      ─► space is given to the pool (a competitor may take it) ─► Failed still
//      ─► the SPU starts again ─► recovered, Online ─► every acknowledged record is there
//
// Lifetime:  disk and cluster outlive the call.
// Errors:    a promise was broken, and how.
#pragma once

#include "absl/status/status.h"
#include "tests/integration/disks/cluster.h"
#include "tests/integration/disks/disk.h"
#include "tests/integration/disks/tally.h"

namespace tidemark::disks {

absl::Status RunThinCycle(Disk& disk, Cluster& cluster, const CyclePlan& plan, int reconnects,
                          Tally& tally);

}  // namespace tidemark::disks
