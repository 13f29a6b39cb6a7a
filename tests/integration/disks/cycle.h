// One full disk, from the first record that still fits to the first one that fits again.
//
//   prepare ─► fill ─► OutOfSpace ─► every record readable ─► reconnects ─► (kill -9, start)
//      ─► cure, with or without a competitor that takes what it gives ─► Online ─► oracle ─► write
//
// From OutOfSpace until the space is given for good, nobody may see anything but OutOfSpace.
//
// Lifetime:  disk and cluster outlive it.
// Threading: confined.
// Errors:    kInternal, kDataLoss, kDeadlineExceeded: a promise was broken, and how.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "tests/integration/disks/cluster.h"
#include "tests/integration/disks/disk.h"
#include "tests/integration/disks/tally.h"

namespace tidemark::disks {

// What is true of a volume that may not be written, noted before the cure.
struct Stopped {
  std::uint64_t episode = 0;
  std::uint64_t generation = 0;
};

class Cycle {
 public:
  Cycle(Disk& disk, Cluster& cluster, const CyclePlan& plan, int reconnects, std::uint64_t seed,
        Tally& tally);

  absl::Status Run();

 private:
  absl::Status TakeSteps();
  absl::Status MakeHeadroom();
  absl::Status Fill();
  absl::Status FillByProducing();
  absl::Status FillByNeighbour(std::int64_t left_bytes);
  absl::Status ExpectStopped();
  // The filesystem's own numbers must show the very shortage the case is about.
  absl::Status ExpectShortage();
  absl::Status ReadWhileFull();
  absl::Status ReconnectWhileFull();
  absl::Status KillAgentWhileFull();

  absl::Status Cure();
  absl::Status ApplyCure();
  absl::Status GrowTheVolume();
  absl::Status StartCompetitor();
  // The SPU has looked after the competitor took it all, stays stopped, and says why.
  absl::Status ExpectStillStopped(std::int64_t took_before);

  absl::Status ExpectOnline();
  absl::Status WriteAgain();
  absl::Status TidyUp();
  // Everybody has seen OutOfSpace and nothing else since the chapter began.
  absl::Status NothingButOutOfSpace();

  Disk& disk_;
  Cluster& cluster_;
  const CyclePlan plan_;
  const int reconnects_;
  std::mt19937_64 random_;
  Tally& tally_;
  const base::SystemClock clock_;
  Stopped stopped_;
  bool competing_ = false;
  bool hold_seen_ = false;    // the chapter has begun
  bool space_given_ = false;  // for good: no competitor takes it
};

// The oracle: that what is shown as Online has really been given the space, by the filesystem's own
// numbers and not the product's.
absl::Status ExpectProven(const Disk& disk, const Cluster& cluster, const Stopped& stopped);

// `count` losses of the connection, each followed by a new session in which the SC shows `status`.
absl::Status Reconnect(Cluster& cluster, int count, sc::v1::PartitionStatus status, Tally& tally);

}  // namespace tidemark::disks
