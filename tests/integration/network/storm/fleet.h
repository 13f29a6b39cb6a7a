// Many SPUs in one process, as the controller meets them: each has the product's own link (ScLink:
// its protocol core, its gRPC stream, its durable identity) and two volumes without disks behind
// them, whose reports the test sets. Assignments are taken on as they come.
//
// Lifetime:  Stop() or the destructor ends all streams and waits for them.
// Threading: used from the test's thread; the links live on one loop of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "spu/sc_link.h"
#include "tests/support/loop_thread.h"
#include "tests/support/temp_directory.h"

namespace tidemark::network {

class Fleet {
 public:
  Fleet(int spus, const std::string& controller);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  void Start();
  // Every second volume runs out of space: episode 1, generation 2.
  void FillSecondVolumes();

  // How many links have every newest report acknowledged in their session; how many have one.
  int Synced();
  int Attached();
  // Streams opened so far.
  std::uint64_t Connects();
  // What must not happen: a proof refused, a volume called wiped, an exit.
  std::vector<std::string> Complaints();

  int spus() const { return static_cast<int>(agents_.size()); }
  // The uuids of the second volumes, as the SC lists them.
  const std::set<std::string>& full_volumes() const { return full_volumes_; }

 private:
  class Agent;

  const base::SystemClock clock_{};
  support::TempDirectory state_;
  std::set<std::string> full_volumes_;
  std::vector<std::string> complaints_;  // of the loop
  support::LoopThread loop_;
  std::vector<std::unique_ptr<Agent>> agents_;
};

}  // namespace tidemark::network
