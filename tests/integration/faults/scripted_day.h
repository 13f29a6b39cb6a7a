// One day in the life of a volume, always the same: two topics are made and filled until the volume
// is full, a little is freed, not enough, the SPU is killed and started, one topic is trimmed, the
// volume comes back Online, a topic with retention comes and its old segments go, a topic is
// deleted, the SPU is stopped.
//
// The calls come one after the other and each waits for its answer, so that from day to day the
// same call has (nearly) the same number.
//
// Lifetime:  one object per day.
// Threading: confined.
// Errors:    what stopped the day. Without a fault that is a failure; with one it may be right.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "tests/integration/faults/cluster.h"
#include "tests/integration/faults/day_ledger.h"
#include "tests/integration/faults/witness.h"
#include "tests/support/await.h"

namespace tidemark::faults {

inline constexpr std::int64_t kRecordBytes = 15'000;

// What became of one append.
enum class Appended : std::uint8_t { kAcknowledged, kFull };

class ScriptedDay {
 public:
  ScriptedDay(Cluster& cluster, DayLedger& ledger, Witness& witness);
  ~ScriptedDay();

  // With `undisturbed`, every step must also have the effect it is there for.
  absl::Status Live(bool undisturbed);

  // For the time after a fault, too. A day gives up early what its fault keeps from happening; what
  // has to happen once the fault is over is waited for as long as in any test.
  void BePatient() { patience_ = support::kLongWait; }
  absl::Status AwaitAccepting();
  absl::Status AwaitVerdict();
  absl::StatusOr<Appended> Append(std::uint64_t partition_id, std::int64_t bytes);
  absl::Status Trim(std::uint64_t partition_id, std::int64_t before);
  // Drops what is connected to the SPU.
  void Disconnect();

 private:
  class Outcomes;

  absl::Status CreateTopics();
  absl::StatusOr<std::uint64_t> CreateTopic(const std::string& name, std::int64_t retention_bytes);
  absl::Status Fill();
  absl::Status StayFull();
  absl::Status RestartInTheGap();
  absl::Status Reclaim();
  absl::Status Retain();
  absl::Status Expire(std::uint64_t partition_id);
  absl::Status Delete();
  absl::Status Stop();

  // Polls the SPU; ends early when its disk is said to have failed.
  absl::Status AwaitAgent(const std::function<bool(const space::v1::Volume&)>& condition,
                          const std::string& what);
  absl::Status AwaitStatus(std::uint64_t partition_id, sc::v1::PartitionStatus status);
  absl::Status Expect(bool condition, const std::string& what) const;

  Cluster& cluster_;
  DayLedger& ledger_;
  Witness& witness_;
  bool undisturbed_ = false;
  base::Duration patience_ = std::chrono::seconds(4);
  std::unique_ptr<Outcomes> outcomes_;
  std::unique_ptr<client::Producer> producer_;
  std::uint64_t kept_ = 0;
  std::uint64_t trimmed_ = 0;
};

}  // namespace tidemark::faults
