// Plays faults one after the other and keeps the books: what fired, how long SC and SPU took to
// agree again, and what was seen that must never be seen.
//
// Threading: confined to the arena's thread.
// Errors:    Play() fails only where nothing further can be played; what is wrong is a violation.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/integration/network/fault.h"

namespace tidemark::network {

class Campaign {
 public:
  struct Convergence {
    int times = 0;
    std::int64_t max_ms = 0;
    std::int64_t total_ms = 0;
  };

  Campaign(Arena& arena, story::Reporter& reporter, std::uint64_t seed)
      : arena_(arena), reporter_(reporter), random_(seed) {}

  // Every fault once, in random order.
  absl::Status PlayRound();
  absl::Status Play(const Fault& fault);
  // Frees the volume and reads everything back.
  void Finish();

  int faults() const { return faults_; }
  // Drawn, but there is no evidence that it happened.
  const std::vector<std::string>& misfired() const { return misfired_; }
  const std::vector<std::string>& violations() const { return violations_; }
  // Took longer than kConvergence.
  const std::vector<std::string>& late() const { return late_; }
  std::int64_t converged_max_ms() const;
  const std::map<std::string, Convergence>& by_fault() const { return by_fault_; }

 private:
  absl::Status Bite(const Fault& fault, const Agreement& before);
  absl::Status AwaitEnd(const Fault& fault, const Agreement& before);
  absl::Status CheckSightings(const Fault& fault, const Agreement& before, const Agreement& after);
  absl::Status AwaitSightings();
  std::string Named(const Fault& fault, std::string_view what) const;

  Arena& arena_;
  story::Reporter& reporter_;
  const base::SystemClock clock_;
  std::mt19937_64 random_;
  int faults_ = 0;
  std::vector<std::string> misfired_;
  std::vector<std::string> violations_;
  std::vector<std::string> late_;
  std::map<std::string, Convergence> by_fault_;
};

}  // namespace tidemark::network
