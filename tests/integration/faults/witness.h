// Looks at the SPU and the SC and writes down what they said, and between which of the shim's notes
// they said it. At the end of the day it is held against what was really on the disk.
//
// Lifetime:  one per day; the cluster outlives it.
// Threading: confined, but for Acknowledged(): any thread.
// Errors:    statuses of the calls. What was said wrongly is a finding, in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "tests/integration/faults/cluster.h"
#include "tests/integration/faults/verdict_history.h"
#include "tidemark/sc/v1/admin.pb.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::faults {

class Witness {
 public:
  explicit Witness(Cluster& cluster) : cluster_(cluster) {}

  absl::StatusOr<space::v1::Volume> LookAtAgent();
  struct ControllerView {
    sc::v1::ScVolume volume;
    std::vector<sc::v1::Partition> partitions;
  };
  absl::StatusOr<ControllerView> LookAtController();
  // An append that was sent when the notes stood at `sent_at` has been acknowledged.
  void Acknowledged(std::uint64_t sent_at);

  std::int64_t looks() const;
  // One line for each thing that was said and was not so.
  std::vector<std::string> Judge(const VerdictHistory& history) const;

 private:
  struct Said {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::string who;
    base::Generation generation;  // 0: none named
    bool ready = false;           // accepts, accepted, or is shown Online
    bool by_record = false;       // ready is said of that generation, not of now
    bool held = false;            // a durable hold is said of that generation
  };
  void Note(Said said);
  static std::string Contradiction(const Said& said, const VerdictHistory& history);

  Cluster& cluster_;
  mutable base::Mutex mutex_;
  std::vector<Said> said_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::faults
